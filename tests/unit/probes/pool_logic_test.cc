// Which hits on a pool count, and as what; sizes of what is put.
#include <string>
#include <tuple>

#include "tests/unit/probes/pool_logic_fixture.h"

namespace {

using namespace poolscope::probes::test;

// --- gets and misses

struct FlagCase {
  const char* name;
  std::uint32_t mask, value;
  std::uint64_t flags;
  std::uint64_t counted;
};
class Flags : public PoolLogic, public testing::WithParamInterface<FlagCase> {};

TEST_P(Flags, OfAGetTellAMiss) {
  pool_point point = point_of(POOL_ROLE_GET);
  point.miss_mask = GetParam().mask;
  point.miss_value = GetParam().value;
  pool_event found = event();
  found.flags = GetParam().flags;
  hit(found, point);
  EXPECT_EQ(sums().gets, 1u);
  EXPECT_EQ(sums().misses, GetParam().counted);
}
TEST_P(Flags, OfAPutTellThatNothingIsPut) {
  pool_point point = point_of(POOL_ROLE_PUT);
  point.nil_mask = GetParam().mask;
  point.nil_value = GetParam().value;
  pool_event returned = event();
  returned.flags = GetParam().flags;
  hit(returned, point);
  EXPECT_EQ(sums().nil_puts, GetParam().counted);
  EXPECT_EQ(sums().puts, 1 - GetParam().counted);
}
INSTANTIATE_TEST_SUITE_P(Table, Flags,
                         testing::Values(FlagCase{"Set", kZeroFlag, kZeroFlag, kZeroFlag, 1},
                                         FlagCase{"NotSet", kZeroFlag, kZeroFlag, 0, 0},
                                         FlagCase{"SetAmongOthers", kZeroFlag, kZeroFlag, 0x246, 1},
                                         FlagCase{"OnlyOthersSet", kZeroFlag, kZeroFlag, 0x206, 0},
                                         FlagCase{"MustBeClearAndIs", kZeroFlag, 0, 0x206, 1},
                                         FlagCase{"MustBeClearAndIsNot", kZeroFlag, 0, 0x246, 0},
                                         FlagCase{"OneOfTwo", kZeroFlag | 1, kZeroFlag | 1, kZeroFlag, 0},
                                         FlagCase{"TellNothing", 0, 0, kZeroFlag, 0}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(PoolLogic, AMissHasNoObjectToFollow) {
  pool_event missed = event();
  missed.flags = kZeroFlag;
  missed.object = kObject;  // whatever the register held
  missed.type = kBytesType;
  hit(missed, telling_get());
  EXPECT_EQ(sums().misses, 1u);
  EXPECT_EQ(sums().followed_gets, 0u);
  EXPECT_EQ(kernel.objects.size(), 0u);
  EXPECT_EQ(kernel.slot_control.dropped_reads, 0u);
}

struct RoleCase {
  const char* name;
  pool_role role;
  std::uint64_t gets, misses, puts, regrowths;
};
class Role : public PoolLogic, public testing::WithParamInterface<RoleCase> {};

TEST_P(Role, CountsOneThing) {
  hit(event(), point_of(GetParam().role));
  EXPECT_EQ(sums().gets, GetParam().gets);
  EXPECT_EQ(sums().misses, GetParam().misses);
  EXPECT_EQ(sums().puts, GetParam().puts);
  EXPECT_EQ(sums().regrowths, GetParam().regrowths);
}
INSTANTIATE_TEST_SUITE_P(Table, Role,
                         testing::Values(RoleCase{"Get", POOL_ROLE_GET, 1, 0, 0, 0},
                                         RoleCase{"Put", POOL_ROLE_PUT, 0, 0, 1, 0},
                                         RoleCase{"Miss", POOL_ROLE_MISS, 0, 1, 0, 0},
                                         RoleCase{"Grow", POOL_ROLE_GROW, 0, 0, 0, 1},
                                         RoleCase{"Cleanup", POOL_ROLE_CLEANUP, 0, 0, 0, 0},
                                         RoleCase{"Unknown", POOL_ROLE_COUNT, 0, 0, 0, 0}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(PoolLogic, PoolsAreToldApartByAddressSlotAndNumber) {
  pool_event other_slot = event();
  other_slot.slot = 4;
  pool_point numbered = telling_get();
  numbered.pool_number = 2;
  get();
  get(kOtherObject, kBytesType, kOtherPool);
  hit(other_slot, telling_get());
  hit(event(), numbered);
  EXPECT_EQ(sums().gets, 1u);
  EXPECT_EQ(sums(kOtherPool).gets, 1u);
  EXPECT_EQ(sums(kPool, 4).gets, 1u);
  EXPECT_EQ(sums(kPool, 3, 2).gets, 1u);
}

TEST_F(PoolLogic, APoolThatDoesNotFitIsCountedAsDropped) {
  kernel.sums.set_capacity(1);
  get();
  get(kOtherObject, kBytesType, kOtherPool);
  put(kOtherObject, kBytesType, kOtherPool);
  get();
  EXPECT_EQ(sums().gets, 2u) << "a pool that is known goes on";
  EXPECT_EQ(sums(kOtherPool).gets, 0u);
  EXPECT_EQ(kernel.slot_control.dropped_pools, 2u);
}

// --- sizes asked for at a get

TEST_F(PoolLogic, SizesAskedForAreWhatIsNeeded) {
  pool_event asking = event();
  asking.size = 5000;
  hit(asking, telling_get());
  asking.flags = kZeroFlag;
  hit(asking, telling_get());
  asking.size = 0;
  hit(asking, telling_get());
  EXPECT_EQ(sums().needed_bytes[ps_log_linear_index(5000)], 2u) << "hits and misses alike";
  EXPECT_EQ(in(sums().needed_bytes), 2u) << "0 is no size";
}

struct LargeCase {
  const char* name;
  std::uint64_t bytes;
  unsigned bucket;
};
class LargeSizes : public PoolLogic, public testing::WithParamInterface<LargeCase> {};

TEST_P(LargeSizes, CountInTheLastBucket) {
  pool_event asking = event();
  asking.size = GetParam().bytes;
  hit(asking, telling_get());
  EXPECT_EQ(sums().needed_bytes[GetParam().bucket], 1u);
  EXPECT_EQ(in(sums().needed_bytes), 1u);
}
INSTANTIATE_TEST_SUITE_P(Table, LargeSizes,
                         testing::Values(LargeCase{"One", 1, 1}, LargeCase{"LastOfItsOwn", (1ull << 32) - 1, 239},
                                         LargeCase{"FirstBeyond", 1ull << 32, 239}, LargeCase{"FarBeyond", ~0ull, 239}),
                         [](const auto& each) { return std::string(each.param.name); });

// --- sizes at put

struct BufferCase {
  const char* name;
  std::uint64_t type, length, capacity;
  bool is_sized;
  std::uint64_t needed_bytes, buffer_bytes;  // needed 0: the put is empty
};
class BufferAtPut : public PoolLogic, public testing::WithParamInterface<BufferCase> {};

TEST_P(BufferAtPut, CountsLengthAndCapacityInBytes) {
  const auto& each = GetParam();
  set_buffer(each.length, each.capacity);
  put(kObject, each.type);
  EXPECT_EQ(sums().puts, 1u);
  EXPECT_EQ(sums().sized_puts, each.is_sized ? 1u : 0u);
  EXPECT_EQ(sums().empty_puts, each.is_sized && each.needed_bytes == 0 ? 1u : 0u);
  EXPECT_EQ(in(sums().buffer_bytes), sums().sized_puts);
  EXPECT_EQ(in(sums().needed_bytes), sums().sized_puts - sums().empty_puts);
  EXPECT_EQ(sums().buffer_bytes[ps_log_linear_index(each.buffer_bytes)], sums().sized_puts);
  EXPECT_EQ(sums().needed_bytes[ps_log_linear_index(each.needed_bytes)], sums().sized_puts - sums().empty_puts);
  EXPECT_EQ(kernel.slot_control.dropped_reads, 0u);
}
INSTANTIATE_TEST_SUITE_P(Table, BufferAtPut,
                         testing::Values(BufferCase{"Bytes", kBytesType, 300, 4096, true, 300, 4096},
                                         BufferCase{"Words", kWordsType, 300, 4096, true, 2400, 32768},
                                         BufferCase{"Empty", kBytesType, 0, 4096, true, 0, 4096},
                                         BufferCase{"Full", kBytesType, 4096, 4096, true, 4096, 4096},
                                         BufferCase{"NeverUsed", kBytesType, 0, 0, true, 0, 0},
                                         BufferCase{"LongerThanItsCapacity", kBytesType, 4097, 4096, false, 0, 0},
                                         BufferCase{"AbsurdCapacity", kBytesType, 0, POOL_MAX_SIZE, false, 0, 0},
                                         BufferCase{"AbsurdCapacityAndLength", kBytesType, ~0ull, ~0ull, false, 0, 0},
                                         BufferCase{"NoBuffer", kPlainType, 300, 4096, false, 0, 0},
                                         BufferCase{"UnknownType", kUnknownType, 300, 4096, false, 0, 0},
                                         BufferCase{"NoType", 0, 300, 4096, false, 0, 0}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(PoolLogic, ABufferThatCannotBeReadIsCounted) {
  put();  // neither length nor capacity
  kernel.memory[kObject + kLengthOffset] = 10;
  put();  // no capacity
  EXPECT_EQ(sums().puts, 2u);
  EXPECT_EQ(sums().sized_puts, 0u);
  EXPECT_EQ(in(sums().needed_bytes) + in(sums().buffer_bytes), 0u);
  EXPECT_EQ(kernel.slot_control.dropped_reads, 2u);
  kernel.memory[kObject + kCapacityOffset] = 20;
  put();
  EXPECT_EQ(sums().sized_puts, 1u);
}

TEST_F(PoolLogic,
       AnAbsurdNumberOfLargeElementsIsNoSize) {  // 2^40 - 1 elements of 16 MiB: their bytes do not fit 64 bits
  constexpr std::uint64_t kLargeType = 0x4a5000;
  kernel.elements.put({kLargeType, kTgid}, {kLengthOffset, kCapacityOffset, 1 << 24, 0});
  set_buffer(1, POOL_MAX_SIZE - 1);
  put(kObject, kLargeType);
  EXPECT_EQ(sums().sized_puts, 0u);
}

TEST_F(PoolLogic, APutWithoutAnObjectHasNoSize) {
  put(0);
  EXPECT_EQ(sums().puts, 1u);
  EXPECT_EQ(sums().sized_puts, 0u);
  EXPECT_EQ(kernel.slot_control.dropped_reads, 0u);
}

TEST_F(PoolLogic, TypesAreThoseOfTheProcess) {
  set_buffer(10, 20);
  pool_event stranger = event();
  stranger.object = kObject;
  stranger.type = kBytesType;
  stranger.tgid = kOtherTgid;
  hit(stranger, telling_put());
  EXPECT_EQ(sums().puts, 1u);
  EXPECT_EQ(sums().sized_puts, 0u);
}

TEST_F(PoolLogic, PutOfNothingIsNoPut) {
  set_buffer(10, 20);
  pool_event nothing = event();
  nothing.flags = kZeroFlag;
  nothing.object = kObject;
  nothing.type = kBytesType;
  hit(nothing, telling_put());
  EXPECT_EQ(sums().nil_puts, 1u);
  EXPECT_EQ(sums().puts, 0u);
  EXPECT_EQ(sums().sized_puts, 0u);
  EXPECT_EQ(sums().type, 0u);
  EXPECT_EQ(kernel.objects.size(), 0u);
}

TEST_F(PoolLogic, ObjectsOfAnotherTypeThanTheFirstAreCounted) {
  put(kObject, 0);  // a custom pool does not tell
  EXPECT_EQ(sums().type, 0u);
  put(kObject, kPlainType);
  put(kOtherObject, kPlainType);
  EXPECT_EQ(sums().type, kPlainType);
  EXPECT_EQ(sums().other_types, 0u);
  put(kObject, kUnknownType);
  put(kObject, 0);
  put(kOtherObject, kUnknownType);
  EXPECT_EQ(sums().type, kPlainType);
  EXPECT_EQ(sums().other_types, 2u);
}

// --- events in order

TEST_F(PoolLogic, WritesNoEventUnlessAsked) {
  get();
  put();
  EXPECT_TRUE(kernel.order.empty());
}

TEST_F(PoolLogic, WritesGetsAndPutsInOrder) {
  kernel.slot_control.in_order = 1;
  set_buffer(10, 64);
  miss();
  pass_ns(100);
  put();
  pass_ns(50);
  get();
  ASSERT_EQ(kernel.order.size(), 3u);
  const auto& [missed, returned, taken] = std::tie(kernel.order[0], kernel.order[1], kernel.order[2]);
  EXPECT_EQ(missed.role, POOL_ROLE_GET);
  EXPECT_EQ(missed.flags, POOL_ORDER_MISS);
  EXPECT_EQ(missed.object, 0u) << "it does not exist yet";
  EXPECT_EQ(returned.role, POOL_ROLE_PUT);
  EXPECT_EQ(returned.time_ns, missed.time_ns + 100);
  EXPECT_EQ(returned.flags, POOL_ORDER_BUFFER);
  EXPECT_EQ(returned.length_bytes, 10u);
  EXPECT_EQ(returned.capacity_bytes, 64u);
  EXPECT_EQ(taken.object, kObject);
  EXPECT_EQ(taken.pool, kPool);
  EXPECT_EQ(taken.generation, kernel.slot_control.generation);
}

TEST_F(PoolLogic, APutOfNothingIsNoEvent) {
  kernel.slot_control.in_order = 1;
  pool_event nothing = event();
  nothing.flags = kZeroFlag;
  hit(nothing, telling_put());
  EXPECT_TRUE(kernel.order.empty());
}

TEST_F(PoolLogic, AnEventThatDoesNotFitIsCountedAsDropped) {
  kernel.slot_control.in_order = 1;
  kernel.order_capacity = 1;
  put();
  get();
  get();
  EXPECT_EQ(kernel.order.size(), 1u);
  EXPECT_EQ(kernel.slot_control.dropped_order, 2u);
  EXPECT_EQ(sums().gets, 2u) << "counting goes on";
}

}  // namespace
