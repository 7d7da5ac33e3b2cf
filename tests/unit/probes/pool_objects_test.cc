// Objects followed from get to put, and objects counted in the caches that a garbage collection drops.
#include <optional>
#include <string>

#include "tests/unit/probes/pool_logic_fixture.h"

namespace {

using namespace poolscope::probes::test;

// --- hold time

TEST_F(PoolLogic, HoldTimeIsFromGetToPut) {
  get();
  pass_ns(1000);
  get(kOtherObject);
  pass_ns(500);
  put(kOtherObject);
  put();
  EXPECT_EQ(held_for(1500), 1u);
  EXPECT_EQ(held_for(500), 1u);
  EXPECT_EQ(in(sums().hold_ns), 2u);
  EXPECT_EQ(sums().followed_gets, 2u);
  EXPECT_EQ(sums().put_twice, 0u);
}

TEST_F(PoolLogic, AnObjectThatIsTakenAgainIsHeldFromThen) {
  get();
  pass_ns(1000);
  put();
  pass_ns(50'000);  // idle
  get();
  pass_ns(200);
  put();
  EXPECT_EQ(held_for(1000), 1u);
  EXPECT_EQ(held_for(200), 1u);
  EXPECT_EQ(in(sums().hold_ns), 2u);
}

TEST_F(PoolLogic, AGetOnAnotherProcessorWithALaterClockIsHeldForNothing) {
  get();
  kernel.now_ns -= 10;
  put();
  EXPECT_EQ(held_for(0), 1u);
}

TEST_F(PoolLogic, LongHoldsCountInTheLastBucket) {
  get();
  pass_ns(1ull << 60);
  put();
  EXPECT_EQ(sums().hold_ns[PS_LOG_LINEAR_BUCKETS - 1], 1u);
}

TEST_F(PoolLogic, AFreshObjectHasNoHoldTime) {
  miss();
  put();
  EXPECT_EQ(in(sums().hold_ns), 0u);
  EXPECT_EQ(sums().followed_gets, 0u);
  EXPECT_EQ(sums().put_twice, 0u);
}

TEST_F(PoolLogic, AnObjectPutIntoAnotherPoolWasNotHeldForIt) {
  get();
  put(kObject, kBytesType, kOtherPool);
  EXPECT_EQ(in(sums(kOtherPool).hold_ns), 0u);
  EXPECT_EQ(in(sums().hold_ns), 0u);
  put(kObject, kBytesType, kOtherPool);
  EXPECT_EQ(sums(kOtherPool).put_twice, 1u) << "now it is there";
}

TEST_F(PoolLogic, PoolsThatOnlyTheirNumberTellsApartAreOthers) {
  pool_point first = point_of(POOL_ROLE_PUT), second = point_of(POOL_ROLE_PUT);
  first.pool_number = 1;
  second.pool_number = 2;
  pool_event returned = event();
  returned.pool = 0;  // both have no address
  returned.object = kObject;
  hit(returned, first);
  hit(returned, second);
  EXPECT_EQ(sums(0, 3, 1).put_twice, 0u);
  EXPECT_EQ(sums(0, 3, 2).put_twice, 0u);
}

TEST_F(PoolLogic, WithoutFollowingNothingIsRemembered) {
  kernel.slot_control.follows_objects = 0;
  set_buffer(10, 20);
  get();
  put();
  put();
  EXPECT_EQ(sums().gets, 1u);
  EXPECT_EQ(sums().sized_puts, 2u);
  EXPECT_EQ(sums().followed_gets, 0u);
  EXPECT_EQ(sums().put_twice, 0u);
  EXPECT_EQ(in(sums().hold_ns), 0u);
  EXPECT_EQ(kernel.objects.size(), 0u);
}

TEST_F(PoolLogic, AGetOfNothingKnownIsNotFollowed) {
  get(0);
  EXPECT_EQ(sums().gets, 1u);
  EXPECT_EQ(sums().followed_gets, 0u);
  EXPECT_EQ(kernel.objects.size(), 0u);
}

// --- put twice

TEST_F(PoolLogic, APutOfWhatIsInThePoolIsOneTooMany) {
  put();
  EXPECT_EQ(sums().put_twice, 0u);
  put();
  EXPECT_EQ(sums().put_twice, 1u);
  put();
  EXPECT_EQ(sums().put_twice, 2u);
  EXPECT_EQ(sums().puts, 3u);
  EXPECT_EQ(in(sums().hold_ns), 0u);
}

TEST_F(PoolLogic, APutAfterAGetIsOneOfTwoThatAreRight) {
  put();
  get();
  put();
  EXPECT_EQ(sums().put_twice, 0u);
}

TEST_F(PoolLogic, PutOfNothingEndsNoBorrowing) {
  get();
  pool_event nothing = event();
  nothing.flags = kZeroFlag;
  nothing.object = kObject;
  hit(nothing, telling_put());
  pass_ns(100);
  put();
  EXPECT_EQ(held_for(100), 1u);
  EXPECT_EQ(sums().put_twice, 0u);
}

// --- an address is another object after a collection, and in another burst

TEST_F(PoolLogic, ObjectsOfAnEarlierCollectionAreNotFollowed) {
  get();
  put(kOtherObject);
  ++kernel.slot_control.collections;
  put();
  put(kOtherObject);
  EXPECT_EQ(in(sums().hold_ns), 0u);
  EXPECT_EQ(sums().put_twice, 0u);
  EXPECT_EQ(sums().regrowths, 0u);
  put();
  EXPECT_EQ(sums().put_twice, 1u) << "within the same collection";
}

TEST_F(PoolLogic, ObjectsOfAnotherUseOfTheSlotAreNotFollowed) {
  put();
  ++kernel.slot_control.generation;
  put();
  EXPECT_EQ(sums().put_twice, 0u);
}

// --- growth while borrowed

struct GrowthCase {
  const char* name;
  std::optional<std::uint64_t> capacity_at_get, capacity_at_put;
  std::uint64_t regrowths;
};
class Growth : public PoolLogic, public testing::WithParamInterface<GrowthCase> {
 protected:
  void set_capacity(std::optional<std::uint64_t> capacity) {
    kernel.memory.clear();
    if (capacity) set_buffer(0, *capacity);
  }
};

TEST_P(Growth, IsALargerCapacityAtPutThanAtGet) {
  set_capacity(GetParam().capacity_at_get);
  get();
  set_capacity(GetParam().capacity_at_put);
  put();
  EXPECT_EQ(sums().regrowths, GetParam().regrowths);
  EXPECT_EQ(in(sums().hold_ns), 1u) << "whatever the sizes are";
}
INSTANTIATE_TEST_SUITE_P(Table, Growth,
                         testing::Values(GrowthCase{"ByOne", 64, 65, 1}, GrowthCase{"ByMuch", 64, 1 << 20, 1},
                                         GrowthCase{"NotAtAll", 64, 64, 0}, GrowthCase{"ToLess", 64, 32, 0},
                                         GrowthCase{"FromNothing", 0, 64, 0},  // a first buffer is no regrowth
                                         GrowthCase{"UnknownAtGet", std::nullopt, 64, 0},
                                         GrowthCase{"UnknownAtPut", 64, std::nullopt, 0},
                                         GrowthCase{"AbsurdAtPut", 64, POOL_MAX_SIZE, 0}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(PoolLogic, EachGrowthCountsOnce) {
  set_buffer(0, 64);
  get();
  set_buffer(0, 128);
  put();
  get();
  put();
  EXPECT_EQ(sums().regrowths, 1u);
}

TEST_F(PoolLogic, GrowthInThePoolIsNotThatOfABorrower) {
  set_buffer(0, 64);
  put();
  set_buffer(0, 128);
  get();
  put();
  EXPECT_EQ(sums().regrowths, 0u);
}

// --- a full map of objects

TEST_F(PoolLogic, AnObjectThatDoesNotFitIsCountedAsDropped) {
  kernel.objects.set_capacity(1);
  get();
  get(kOtherObject);
  EXPECT_EQ(kernel.slot_control.dropped_objects, 1u);
  pass_ns(100);
  put(kOtherObject);
  EXPECT_EQ(kernel.slot_control.dropped_objects, 2u);
  put();
  EXPECT_EQ(kernel.slot_control.dropped_objects, 2u) << "what is in the map goes on";
  EXPECT_EQ(held_for(100), 1u);
  EXPECT_EQ(in(sums().hold_ns), 1u);
  EXPECT_EQ(sums().gets, 2u);
  EXPECT_EQ(sums().puts, 2u);
}

// --- objects in the caches of one processor

class PoolLocal : public PoolLogic {
 protected:
  static constexpr std::uint64_t kLocal = 0xc000100000, kSomeType = kBytesType;
  FakePoolLocal local{kernel, kLocal};
};

TEST_F(PoolLocal, WithoutObjectsCountsNone) {
  EXPECT_EQ(pool_objects_of_local(kLocal), 0u);
}

TEST_F(PoolLocal, CountsThePrivateObject) {
  local.set_private(kSomeType);
  EXPECT_EQ(pool_objects_of_local(kLocal), 1u);
}

TEST_F(PoolLocal, CountsThePrivateObjectAndAllDequeues) {
  local.set_private(kSomeType);
  local.set_chain({{20, 3}, {16, 0}, {9, 1}});
  EXPECT_EQ(pool_objects_of_local(kLocal), 1u + 17 + 16 + 8);
}

struct CounterCase {
  const char* name;
  std::uint32_t head, tail;
  std::uint64_t objects;
};
class Counters : public PoolLocal, public testing::WithParamInterface<CounterCase> {};

TEST_P(Counters, OfADequeueAreSubtractedWithWrapAround) {
  local.set_chain({{GetParam().head, GetParam().tail}});
  EXPECT_EQ(pool_objects_of_local(kLocal), GetParam().objects);
}
INSTANTIATE_TEST_SUITE_P(Table, Counters,
                         testing::Values(CounterCase{"New", 0, 0, 0}, CounterCase{"Drained", 77, 77, 0},
                                         CounterCase{"One", 78, 77, 1},
                                         CounterCase{"BeforeWrap", 0xffffffff, 0xfffffff0, 15},
                                         CounterCase{"Wrapped", 2, 0xfffffffe, 4},
                                         CounterCase{"HeadAtZero", 0, 0xffffffff, 1}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(PoolLocal, AChainOfAllSizesIsCountedToItsEnd) {
  local.set_chain({{1024, 0}, {512, 0}, {256, 0}, {128, 0}, {64, 0}, {32, 0}, {16, 0}, {8, 0}});
  EXPECT_EQ(pool_objects_of_local(kLocal), 2040u);
}

TEST_F(PoolLocal, AChainThatLoopsEnds) {
  local.set_chain({{5, 0}, {3, 0}});
  local.link_back(/*from=*/1, /*to=*/0);
  EXPECT_EQ(pool_objects_of_local(kLocal), 4u * (5 + 3)) << "GO_MAX_CHAIN elements";
  local.link_back(/*from=*/0, /*to=*/0);
  EXPECT_EQ(pool_objects_of_local(kLocal), 8u * 5);
}

TEST_F(PoolLocal, WhatCannotBeReadEndsTheCount) {
  local.set_private(kSomeType);
  local.set_chain({{5, 0}, {3, 0}});
  kernel.memory.erase(local.element_at(1));
  EXPECT_EQ(pool_objects_of_local(kLocal), 1u + 5);
  kernel.memory.erase(local.previous_at(0));
  EXPECT_EQ(pool_objects_of_local(kLocal), 1u + 5);
  kernel.memory.erase(local.head_at());
  EXPECT_EQ(pool_objects_of_local(kLocal), 1u);
  kernel.memory.erase(kLocal);
  EXPECT_EQ(pool_objects_of_local(kLocal), 0u);
}

}  // namespace
