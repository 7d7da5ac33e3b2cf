// Idle objects of a sync.Pool in memory that is laid out by hand, and in hostile memory.
#include "probes/go/pool_state.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/go/support.h"

namespace poolscope::go {
namespace {

using test::FakeMemory;

constexpr std::uint64_t kPool = 0x1000, kLocals = 0x2000, kVictims = 0x9000, kRings = 0x10000, kValues = 0x20000;
constexpr std::uint64_t kType = 0x7700, kFirstObject = std::uint64_t{1} << 32, kLocalBytes = 128, kInterfaceBytes = 16;

struct Interface {
  std::uint64_t type, data;
};

// A sync.Pool that a test fills.
class MadePool {
 public:
  MadePool(std::uint64_t locals, std::uint64_t victims = 0) {
    memory_.put(kPool, std::array<std::uint64_t, 5>{locals ? kLocals : 0, locals, victims ? kVictims : 0, victims, 0});
    for (std::uint64_t i = 0; i < locals; ++i) memory_.put(kLocals + i * kLocalBytes, std::array<std::uint64_t, 16>{});
    for (std::uint64_t i = 0; i < victims; ++i)
      memory_.put(kVictims + i * kLocalBytes, std::array<std::uint64_t, 16>{});
  }
  MadePool& with_private(std::uint64_t local, std::uint64_t data) {
    memory_.put(local, Interface{kType, data});
    return *this;
  }
  // The newest ring of a local; objects are numbered by their position, `previous` as in memory.
  MadePool& with_ring(std::uint64_t ring, std::uint32_t head, std::uint32_t tail, std::uint64_t length,
                      std::uint64_t previous = 0) {
    const std::uint64_t values = kValues + (ring - kRings) * 0x1000;
    memory_.put(ring,
                std::array<std::uint64_t, 6>{(std::uint64_t{head} << 32) | tail, values, length, length, 0, previous});
    for (std::uint32_t at = tail; at != head; ++at) {
      memory_.put(values + (at % length) * kInterfaceBytes, Interface{kType, kFirstObject + at});
    }
    return *this;
  }
  MadePool& with_chain(std::uint64_t local, std::uint64_t ring) {
    memory_.put(local + sizeof(Interface), ring);
    return *this;
  }
  FakeMemory& memory() { return memory_; }
  [[nodiscard]] std::optional<PoolState> read() const { return read_pool_state(memory_, kPool); }

 private:
  FakeMemory memory_;
};

std::vector<std::uint64_t> data_of(const PoolState& state) {
  std::vector<std::uint64_t> data;
  for (const IdleObject& object : state.sample) data.push_back(object.data);
  return data;
}

TEST(PoolState, APoolThatWasNeverUsedHoldsNothing) {
  const auto state = MadePool(0).read();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->idle, 0u);
  EXPECT_TRUE(state->is_complete);
}

TEST(PoolState, PrivateObjectsOfEveryProcessorCount) {
  const auto state = MadePool(3).with_private(kLocals, 1).with_private(kLocals + 2 * kLocalBytes, 2).read();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->idle, 2u);
  EXPECT_THAT(data_of(*state), testing::ElementsAre(1, 2));
}

TEST(PoolState, VictimsCountAndAreTold) {
  const auto state = MadePool(1, 2).with_private(kLocals, 1).with_private(kVictims + kLocalBytes, 2).read();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->idle, 2u);
  EXPECT_EQ(state->victims, 1u);
}

struct RingCase {
  const char* name;
  std::uint32_t head, tail;
  std::uint64_t length;
  std::uint64_t idle;
};
class Rings : public testing::TestWithParam<RingCase> {};
INSTANTIATE_TEST_SUITE_P(Shapes, Rings,
                         testing::Values(RingCase{"Empty", 5, 5, 8, 0}, RingCase{"Some", 5, 2, 8, 3},
                                         RingCase{"AroundTheEnd", 10, 6, 8, 4}, RingCase{"Full", 12, 4, 8, 8},
                                         RingCase{"AroundTheEndOfTheIndex", 1, 0xfffffffe, 8, 3}),
                         [](const auto& test) { return test.param.name; });

TEST_P(Rings, HoldWhatIsBetweenTailAndHead) {
  const RingCase& ring = GetParam();
  MadePool pool(1);
  const auto state = pool.with_ring(kRings, ring.head, ring.tail, ring.length).with_chain(kLocals, kRings).read();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->idle, ring.idle);
  for (const IdleObject& object : state->sample) {
    EXPECT_EQ(object.type, kType);
    EXPECT_LT(static_cast<std::uint32_t>(object.data) - ring.tail, ring.idle) << "is no object of the ring";
  }
  EXPECT_EQ(state->sample.empty(), ring.idle == 0);
}

TEST(PoolState, AllRingsOfAProcessorCount) {
  const auto state = MadePool(1)
                         .with_ring(kRings, 3, 0, 16, kRings + 0x100)
                         .with_ring(kRings + 0x100, 8, 0, 8)
                         .with_chain(kLocals, kRings)
                         .read();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->idle, 11u);
}

TEST(PoolState, RingsInACircleEnd) {
  const auto state = MadePool(1).with_ring(kRings, 1, 0, 8, kRings).with_chain(kLocals, kRings).read();
  ASSERT_TRUE(state);
  EXPECT_FALSE(state->is_complete);
  EXPECT_EQ(state->idle, PoolState::kMaxRings);
}

TEST(PoolState, MoreObjectsThanARingHasPlacesAreNotBelieved) {
  MadePool pool(1);
  pool.with_ring(kRings, 8, 0, 8).with_chain(kLocals, kRings);
  pool.memory().put(kRings, std::uint64_t{0x7fffffff} << 32);
  const auto state = pool.read();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->idle, 8u);
}

TEST(PoolState, WhatIsNoRingIsRefused) {
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{1} << 40}) {
    MadePool pool(1);
    pool.with_ring(kRings, 0, 0, 8).with_chain(kLocals, kRings);
    pool.memory().put(kRings + 16, length);
    EXPECT_FALSE(pool.read()) << length;
  }
}

TEST(PoolState, UnreadableMemoryIsNoAnswer) {
  EXPECT_FALSE(read_pool_state(FakeMemory(), kPool));
  MadePool pool(1);
  pool.memory().put(kPool + 8, std::uint64_t{2});  // says there are two locals
  EXPECT_FALSE(pool.read());
}

TEST(PoolState, ASampleIsBounded) {
  MadePool pool(200);
  for (std::uint64_t i = 0; i < 200; ++i) pool.with_private(kLocals + i * kLocalBytes, i + 1);
  const auto state = pool.read();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->idle, 200u);
  EXPECT_EQ(state->sample.size(), PoolState::kMaxSample);
}

}  // namespace
}  // namespace poolscope::go
