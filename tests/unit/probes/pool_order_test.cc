#include "probes/collectors/pool_order.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace poolscope::probes {
namespace {

using Events = std::vector<pool_order_event>;

constexpr std::uint64_t kPool = 0x5a4720, kOtherPool = 0x5a4760, kObject = 0xc000010000, kOtherObject = 0xc000020000;

pool_order_event event(pool_role role, std::uint64_t time_ns, std::uint64_t object = kObject,
                       std::uint64_t pool = kPool) {
  pool_order_event made{};
  made.role = role;
  made.time_ns = time_ns;
  made.object = object;
  made.pool = pool;
  return made;
}
pool_order_event get(std::uint64_t time_ns, std::uint64_t object = kObject, std::uint64_t pool = kPool) {
  return event(POOL_ROLE_GET, time_ns, object, pool);
}
pool_order_event put(std::uint64_t time_ns, std::uint64_t object = kObject, std::uint64_t pool = kPool) {
  return event(POOL_ROLE_PUT, time_ns, object, pool);
}
pool_order_event miss(std::uint64_t time_ns) {
  pool_order_event made = get(time_ns, 0);
  made.flags = POOL_ORDER_MISS;
  return made;
}
pool_order_event collection(std::uint64_t time_ns) {
  return event(POOL_ROLE_CLEANUP, time_ns, 0, 0);
}
pool_order_event with_buffer(pool_order_event made, std::uint64_t length, std::uint64_t capacity) {
  made.flags |= POOL_ORDER_BUFFER;
  made.length_bytes = length;
  made.capacity_bytes = capacity;
  return made;
}

model::PoolOrderSums sums_of(const std::vector<pool_order_event>& events, std::uint64_t end_ns = 1000,
                             std::uint64_t pool = kPool) {
  PoolOrder order;
  order.add(events);
  return order.finish(end_ns)[{pool, 0}];
}

TEST(PoolOrder, WithoutEventsHasNoPools) {
  EXPECT_TRUE(PoolOrder().finish(0).empty());
}

TEST(PoolOrder, GivesEachPoolTheCurveOfItsOwnEvents) {
  const std::vector<pool_order_event> events = {miss(1), put(2), get(3, kOtherObject, kOtherPool), get(4), put(5)};
  EXPECT_EQ(sums_of(events).misses.gets, 2u);
  EXPECT_EQ(sums_of(events).misses.caps[0].from_empty, 1u);
  EXPECT_EQ(sums_of(events, 1000, kOtherPool).misses.gets, 1u);
}

TEST(PoolOrder, PutsEventsInOrderOfTime) {
  EXPECT_EQ(sums_of(Events{get(30), put(40), put(20), miss(10)}).misses.caps[0].from_empty, 1u);
}

TEST(PoolOrder, PutsThoseOfSeveralAddsInOrder) {
  PoolOrder order;
  order.add(std::vector{get(30), miss(10)});
  order.advance(15);
  order.add(std::vector{put(20)});
  EXPECT_FALSE(order.is_broken());
  const auto sums = order.finish(100);
  EXPECT_EQ(sums.begin()->second.misses.caps[0].from_empty, 1u);
}

TEST(PoolOrder, IsBrokenByAnEventThatComesTooLate) {
  PoolOrder order;
  order.advance(15);
  order.add(std::vector{put(14)});
  EXPECT_TRUE(order.is_broken());
}

TEST(PoolOrder, HoldTimeIsFromGetToPut) {
  const auto sums = sums_of({get(100), put(250)});
  EXPECT_EQ(sums.hold_ns.total(), 1);
  EXPECT_EQ(sums.hold_ns.quantile(1), 159u) << "the bucket of 150";
  EXPECT_TRUE(sums.out_ns.empty());
}

TEST(PoolOrder, AnObjectThatIsOutAtTheEndIsOutForAsLongAsItsGetWasFollowed) {
  const auto sums = sums_of({get(100), put(110), get(200, kOtherObject)}, 205);
  EXPECT_EQ(sums.followed_ns.total(), 2);
  ASSERT_EQ(sums.out_ns.total(), 1);
  EXPECT_EQ(sums.out_ns.quantile(1), 5u);
}

TEST(PoolOrder, AMissIsNotFollowed) {
  const auto sums = sums_of({miss(100)});
  EXPECT_TRUE(sums.followed_ns.empty());
  EXPECT_TRUE(sums.out_ns.empty());
}

TEST(PoolOrder, AnObjectPutIntoAnotherPoolIsNeitherHeldNorOut) {
  const std::vector<pool_order_event> events = {get(100), put(150, kObject, kOtherPool)};
  EXPECT_TRUE(sums_of(events).hold_ns.empty());
  EXPECT_TRUE(sums_of(events).out_ns.empty());
  EXPECT_EQ(sums_of(events, 1000, kOtherPool).put_twice, 0u);
}

TEST(PoolOrder, PutTwiceIsPutWhileIdle) {
  EXPECT_EQ(sums_of(Events{put(1), put(2), put(3)}).put_twice, 2u);
  EXPECT_EQ(sums_of(Events{put(1), get(2), put(3)}).put_twice, 0u);
  EXPECT_EQ(sums_of(Events{put(1), put(2, kOtherObject)}).put_twice, 0u);
}

struct BufferCase {
  const char* name;
  pool_order_event at_put, at_get;
  std::uint64_t used_after_put;
};
class UsedAfterPut : public testing::TestWithParam<BufferCase> {};
TEST_P(UsedAfterPut, IsAnotherLengthOrCapacityAtTheGet) {
  EXPECT_EQ(sums_of(std::vector{GetParam().at_put, GetParam().at_get}).used_after_put, GetParam().used_after_put);
}
INSTANTIATE_TEST_SUITE_P(
    Table, UsedAfterPut,
    testing::Values(BufferCase{"Length", with_buffer(put(1), 10, 64), with_buffer(get(2), 12, 64), 1},
                    BufferCase{"Capacity", with_buffer(put(1), 10, 64), with_buffer(get(2), 10, 128), 1},
                    BufferCase{"Same", with_buffer(put(1), 10, 64), with_buffer(get(2), 10, 64), 0},
                    BufferCase{"UnknownAtPut", put(1), with_buffer(get(2), 10, 64), 0},
                    BufferCase{"UnknownAtGet", with_buffer(put(1), 10, 64), get(2), 0},
                    BufferCase{"OfAnotherPool", with_buffer(put(1, kObject, kOtherPool), 1, 2),
                               with_buffer(get(2), 10, 64), 0},
                    BufferCase{"WhileBorrowed", with_buffer(get(1), 10, 64), with_buffer(put(2), 20, 64), 0}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(PoolOrder, ACollectionEndsFollowing) {
  const auto sums = sums_of({put(1), get(10, kOtherObject), collection(20), put(30), put(40, kOtherObject)});
  EXPECT_EQ(sums.put_twice, 0u) << "the address may be another object";
  EXPECT_TRUE(sums.hold_ns.empty());
  EXPECT_EQ(sums.out_ns.quantile(1), 10u) << "it was followed until the collection";
  EXPECT_EQ(sums.followed_ns.total(), 1);
}

TEST(PoolOrder, ACollectionDoesNotChangeTheCurve) {
  EXPECT_EQ(sums_of(Events{put(1), collection(2), get(3), collection(4), put(5)}).misses.caps[0].from_empty, 0u);
}

TEST(PoolOrder, AnEventBeforeTheEndIsNotFollowedForNegativeTime) {
  EXPECT_EQ(sums_of(Events{get(100)}, 50).followed_ns.quantile(1), 0u);
}

}  // namespace
}  // namespace poolscope::probes
