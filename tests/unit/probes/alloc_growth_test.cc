// Growth as C++ containers do it: a new block, a copy, a free.
#include "tests/unit/probes/alloc_logic_fixture.h"

namespace poolscope::probes::test {
namespace {

constexpr std::uint64_t kOtherSite = 0x405678;

class AllocGrowth : public AllocLogic {
 protected:
  // The words by which blocks of some size are compared.
  void write(std::uint64_t block, std::uint64_t bytes, std::uint64_t near, std::uint64_t far) {
    kernel.memory[block + 8] = near;
    kernel.memory[block + 8 + (bytes / 4 & ~std::uint64_t{31})] = far;
  }
  void write_equal(std::uint64_t block, std::uint64_t copy, std::uint64_t bytes) {
    write(block, bytes, 0x1111, 0x2222);
    write(copy, bytes, 0x1111, 0x2222);
  }
  void grow(std::uint64_t from_bytes, std::uint64_t to_bytes) {
    thread.call(kMalloc, {from_bytes}, kBlock);
    thread.call(kMalloc, {to_bytes}, kOther, kOtherSite);
    thread.call(kFree, {kBlock});
  }
};

TEST_F(AllocGrowth, IsCountedAtTheSiteOfTheNewBlock) {
  write_equal(kBlock, kOther, 1000);
  grow(1000, 2000);
  const chain* growths = growths_of(kOtherSite);
  ASSERT_NE(growths, nullptr);
  EXPECT_EQ(growths->chains, 1u);
  EXPECT_EQ(growths->steps, 1u);
  EXPECT_EQ(growths->copied_bytes, 1000u);
  EXPECT_EQ(growths->first_bytes[ps_log_linear_index(1000)], 1u);
  EXPECT_EQ(growths->final_bytes[ps_log_linear_index(2000)], 1u);
  EXPECT_EQ(kernel.chains.size(), 1u);
}

TEST_F(AllocGrowth, LeavesLivesAsTheyAre) {
  write_equal(kBlock, kOther, 1000);
  grow(1000, 2000);
  EXPECT_EQ(counts().births, 2u);
  EXPECT_EQ(deaths(), 1u);
  ASSERT_NE(life_of(kOther), nullptr);
  EXPECT_EQ(life_of(kOther)->first_bytes, 2000u);
}

TEST_F(AllocGrowth, OfABlockOlderThanTheBurstIsTakenToDouble) {
  write_equal(kBlock, kOther, 512);
  thread.call(kMalloc, {1024}, kOther);
  thread.call(kFree, {kBlock});
  ASSERT_NE(growths_of(SimulatedThread::kSite), nullptr);
  EXPECT_EQ(growths_of(SimulatedThread::kSite)->first_bytes[ps_log_linear_index(512)], 1u);
  EXPECT_EQ(growths_of(SimulatedThread::kSite)->copied_bytes, 512u);
}

TEST_F(AllocGrowth, GoesOnFromStepToStep) {
  write_equal(kBlock, kOther, 64);
  grow(64, 128);
  write_equal(kOther, kThird, 128);
  thread.call(kMalloc, {256}, kThird, kOtherSite);
  thread.call(kFree, {kOther});
  EXPECT_EQ(growths_of(kOtherSite)->chains, 2u);
}

struct GrowthSizes {
  const char* name;
  std::uint64_t from_bytes, to_bytes;
  bool is_growth;
};

TEST(AllocGrowthSizes, ReachFromSevenFifthsToALittleMoreThanTwice) {
  const GrowthSizes cases[] = {
      {"double", 1000, 2000, true},     {"string_with_its_end", 31, 61, true}, {"half_as_much_again", 1000, 1500, true},
      {"least", 1000, 1400, true},      {"too_little", 1000, 1399, false},     {"most", 1000, 2100, true},
      {"too_much", 1000, 2101, false},  {"same", 1000, 1000, false},           {"smaller", 2000, 1000, false},
      {"smallest_block", 16, 32, true}, {"too_small_to_tell", 15, 30, false}};
  for (const auto& each : cases) {
    SCOPED_TRACE(each.name);
    FakeKernel kernel;
    arm_everything(kernel);
    SimulatedThread thread(kernel, kPid, 1);
    for (const std::uint64_t block : {kBlock, kOther}) {
      for (const std::uint64_t at : {std::uint64_t{8}, 8 + (each.from_bytes / 4 & ~std::uint64_t{31})})
        kernel.memory[block + at] = 7;
    }
    thread.call(kMalloc, {each.from_bytes}, kBlock);
    thread.call(kMalloc, {each.to_bytes}, kOther);
    thread.call(kFree, {kBlock});
    EXPECT_EQ(kernel.chains.size(), each.is_growth ? 1u : 0u);
  }
}

// --- what is no growth

TEST_F(AllocGrowth, NeedsTheSameContentsNearTheBeginning) {
  write_equal(kBlock, kOther, 1000);
  kernel.memory[kOther + 8] = 0x3333;
  grow(1000, 2000);
  EXPECT_EQ(kernel.chains.size(), 0u);
}

TEST_F(AllocGrowth, NeedsTheSameContentsFartherOn) {
  write(kBlock, 1000, 0x1111, 0x2222);
  write(kOther, 1000, 0x1111, 0x3333);
  grow(1000, 2000);
  EXPECT_EQ(kernel.chains.size(), 0u);
}

TEST_F(AllocGrowth, IsNotSeenInBlocksOfZeros) {
  write(kBlock, 1000, 0, 0);
  write(kOther, 1000, 0, 0);
  grow(1000, 2000);
  EXPECT_EQ(kernel.chains.size(), 0u);
}

TEST_F(AllocGrowth, IsNotSeenWhereMemoryCannotBeRead) {
  grow(1000, 2000);
  EXPECT_EQ(kernel.chains.size(), 0u);
}

TEST_F(AllocGrowth, EndsWithTheNextAllocation) {
  write_equal(kBlock, kOther, 1000);
  thread.call(kMalloc, {1000}, kBlock);
  thread.call(kMalloc, {2000}, kOther);
  thread.call(kMalloc, {24}, kThird);
  thread.call(kFree, {kBlock});
  EXPECT_EQ(kernel.chains.size(), 0u);
}

TEST_F(AllocGrowth, EndsWithTheNextFree) {
  write_equal(kBlock, kOther, 1000);
  thread.call(kMalloc, {24}, kThird);
  thread.call(kMalloc, {1000}, kBlock);
  thread.call(kMalloc, {2000}, kOther);
  thread.call(kFree, {kThird});
  thread.call(kFree, {kBlock});
  EXPECT_EQ(kernel.chains.size(), 0u);
}

TEST_F(AllocGrowth, IsOfOneThread) {
  write_equal(kBlock, kOther, 1000);
  thread.call(kMalloc, {1000}, kBlock);
  thread.call(kMalloc, {2000}, kOther);
  second.call(kFree, {kBlock});
  EXPECT_EQ(kernel.chains.size(), 0u);
}

TEST_F(AllocGrowth, IsNotTheFreeOfTheNewBlock) {
  write_equal(kOther, kOther, 1000);
  thread.call(kMalloc, {2000}, kOther);
  thread.call(kFree, {kOther});
  EXPECT_EQ(kernel.chains.size(), 0u);
}

TEST_F(AllocGrowth, IsNotSeenOnceBirthsAreNotFollowedAnyMore) {
  write_equal(kBlock, kOther, 1000);
  thread.call(kMalloc, {1000}, kBlock);
  thread.call(kMalloc, {2000}, kOther);
  kernel.control.armed = ALLOC_ARMED_FREES | ALLOC_ARMED_DEATHS;
  thread.call(kFree, {kBlock});
  EXPECT_EQ(kernel.chains.size(), 0u);
}

TEST_F(AllocGrowth, OfAnEarlierBurstIsForgotten) {
  write_equal(kBlock, kOther, 1000);
  thread.call(kMalloc, {2000}, kOther);
  ++kernel.control.generation;
  thread.call(kFree, {kBlock});
  EXPECT_EQ(kernel.chains.size(), 0u);
}

}  // namespace
}  // namespace poolscope::probes::test
