// Births, deaths, ages and growth chains.
#include "tests/unit/probes/alloc_logic_fixture.h"

namespace {

using namespace poolscope::probes::test;

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kMapped = 0x7ffff0000010, kMappedOther = 0x7fffe0000010;  // as glibc places large blocks

// --- ages

TEST_F(AllocLogic, AgeIsTheTimeFromReturnToFreeWithoutWhatTheProbesTook) {
  thread.call(kMalloc, {64}, kBlock);
  pass_ns(5000);
  thread.call(kFree, {kBlock});
  EXPECT_EQ(deaths_at(5000 - kFreeCostNs), 1u);
  EXPECT_EQ(deaths(), 1u);
  EXPECT_EQ(counts().died_bytes_ns[ps_log_linear_index(5000 - kFreeCostNs)], 64u);
  EXPECT_EQ(kernel.births.size(), 0u);
}

TEST_F(AllocLogic, AgeIsShortenedByEveryHitOfTheThreadMeanwhile) {
  thread.call(kMalloc, {64}, kBlock);
  thread.call(kMalloc, {64}, kOther);
  thread.call(kFree, {kOther});
  pass_ns(10'000);
  thread.call(kFree, {kBlock});
  EXPECT_EQ(deaths_at(10'000 - kEntryCostNs - kReturnCostNs - 2 * kFreeCostNs), 1u);
}

TEST_F(AllocLogic, AgeIsShortenedByHitsInsideTheAllocatorToo) {
  thread.call(kMalloc, {64}, kBlock);
  thread.enter(kMemalign, {64, 100}, SimulatedThread::kSite);
  thread.call(kMalloc, {200}, kThird);
  thread.leave(kOther);
  pass_ns(10'000);
  thread.call(kFree, {kBlock});
  EXPECT_EQ(deaths_at(10'000 - 2 * kEntryCostNs - kReturnCostNs - kFreeCostNs), 1u);
}

TEST_F(AllocLogic, AgeStaysAsMeasuredWhenAnotherThreadFrees) {
  thread.call(kMalloc, {64}, kBlock);
  thread.call(kMalloc, {64}, kOther);
  pass_ns(5000);
  second.call(kFree, {kBlock});
  EXPECT_EQ(deaths_at(5000), 1u);
}

TEST_F(AllocLogic, AgeIsNeverNegative) {
  thread.call(kMalloc, {64}, kBlock);
  pass_ns(kFreeCostNs / 2);
  thread.call(kFree, {kBlock});
  EXPECT_EQ(deaths_at(0), 1u);

  thread.call(kMalloc, {64}, kBlock);
  kernel.now_ns -= 10;  // another CPU's clock
  second.call(kFree, {kBlock});
  EXPECT_EQ(deaths_at(0), 2u);
}

TEST_F(AllocLogic, AgesBeyondTheLastBucketCountInIt) {
  thread.call(kMalloc, {64}, kBlock);
  pass_ns(1ull << 50);
  thread.call(kFree, {kBlock});
  EXPECT_EQ(counts().died_ns[PS_LOG_LINEAR_BUCKETS - 1], 1u);
}

TEST_F(AllocLogic, SitesCountBirthsAndThoseThatDieYoungerThan10Ms) {
  thread.call(kMalloc, {64}, kBlock);
  thread.call(kMalloc, {64}, kOther);
  pass_ns(ALLOC_SHORT_LIVED_NS - 1);
  second.call(kFree, {kBlock});
  pass_ns(1);
  second.call(kFree, {kOther});
  const site* site = site_of(SimulatedThread::kSite, SimulatedThread::kSite);
  ASSERT_NE(site, nullptr);
  EXPECT_EQ(site->births, 2u);
  EXPECT_EQ(site->short_lived, 1u);
}

// --- keeping things apart

TEST_F(AllocLogic, ProcessesWithEqualAddressesAreKeptApart) {
  thread.call(kMalloc, {64}, kBlock);
  stranger.call(kMalloc, {32}, kBlock);
  stranger.call(kFree, {kBlock});
  EXPECT_NE(life_of(kBlock, kPid), nullptr);
  EXPECT_EQ(life_of(kBlock, kOtherPid), nullptr);
  EXPECT_EQ(counts().died_bytes_ns[ps_log_linear_index(0)], 32u);
  EXPECT_EQ(kernel.sites.size(), 2u);
  EXPECT_EQ(dropped(ALLOC_DROP_FREE_MISSED), 0u);
}

TEST_F(AllocLogic, OneProcessCountsWhenItIsNamed) {
  kernel.control.tgid = kPid;
  thread.call(kMalloc, {64}, kBlock);
  stranger.call(kMalloc, {64}, kBlock);
  EXPECT_EQ(counts().allocations, 1u);
}

TEST_F(AllocLogic, AnotherBurstDoesNotSeeLivesAndSitesOfTheLast) {
  thread.call(kMalloc, {64}, kBlock);
  kernel.control.generation = 2;
  thread.call(kFree, {kBlock});
  EXPECT_EQ(deaths(), 0u);
  EXPECT_EQ(counts().frees_of_older, 1u);
  thread.call(kMalloc, {32}, kBlock);
  ASSERT_NE(site_of(SimulatedThread::kSite, SimulatedThread::kSite), nullptr);
  EXPECT_EQ(site_of(SimulatedThread::kSite, SimulatedThread::kSite)->calls, 1u);
}

TEST_F(AllocLogic, AnotherBurstForgetsTheCallInFlightAndTheCharge) {
  thread.enter(kMalloc, {64}, SimulatedThread::kSite);
  kernel.control.generation = 2;
  thread.leave(kBlock);
  EXPECT_EQ(counts().births, 0u);
  thread.call(kMalloc, {64}, kOther);
  pass_ns(5000);
  thread.call(kFree, {kOther});
  EXPECT_EQ(deaths_at(5000 - kFreeCostNs), 1u);
  EXPECT_EQ(all_dropped(), 0u);
}

TEST_F(AllocLogic, AddressBornTwiceIsAMissedFree) {
  thread.call(kMalloc, {64}, kBlock);
  thread.call(kMalloc, {32}, kBlock);
  EXPECT_EQ(dropped(ALLOC_DROP_FREE_MISSED), 1u);
  thread.call(kFree, {kBlock});
  EXPECT_EQ(deaths(), 1u);
  EXPECT_EQ(counts().died_bytes_ns[ps_log_linear_index(0)], 32u);
}

TEST_F(AllocLogic, AddressOfAMovedBlockMayBeGivenAwayBeforeReallocReturns) {
  thread.call(kMalloc, {64}, kBlock);
  thread.enter(kRealloc, {kBlock, 128}, SimulatedThread::kSite);
  second.call(kMalloc, {48}, kBlock);
  thread.leave(kOther);
  EXPECT_EQ(all_dropped(), 0u);
  ASSERT_NE(life_of(kBlock), nullptr);
  EXPECT_EQ(life_of(kBlock)->requested_bytes, 48u);
  ASSERT_NE(life_of(kOther), nullptr);
  EXPECT_EQ(life_of(kOther)->requested_bytes, 128u);
}

// --- realloc

TEST_F(AllocLogic, ReallocOfNullIsABirth) {
  thread.call(kRealloc, {0, 64}, kBlock);
  EXPECT_EQ(counts().births, 1u);
  EXPECT_EQ(counts().reallocations, 0u);
  ASSERT_NE(life_of(kBlock), nullptr);
  EXPECT_EQ(life_of(kBlock)->steps, 0u);
}

TEST_F(AllocLogic, ReallocToNothingIsADeath) {
  thread.call(kMalloc, {64}, kBlock);
  pass_ns(5000);
  thread.call(kRealloc, {kBlock, 0}, 0);
  EXPECT_EQ(counts().frees, 1u);
  EXPECT_EQ(counts().reallocations, 0u);
  EXPECT_EQ(deaths_at(5000 - kEntryCostNs - kReturnCostNs), 1u);
  EXPECT_EQ(kernel.births.size(), 0u);
  EXPECT_EQ(site_of(SimulatedThread::kSite, SimulatedThread::kSite)->calls, 1u) << "a free is no call of a site";
}

TEST_F(AllocLogic, ReallocToNothingOfAnOlderBlockIsAFreeOfAnOlder) {
  thread.call(kRealloc, {kBlock, 0}, 0);
  EXPECT_EQ(counts().frees, 1u);
  EXPECT_EQ(counts().frees_of_older, 1u);
}

TEST_F(AllocLogic, ReallocToNothingThatKeepsABlockIsAReallocation) {
  thread.call(kMalloc, {64}, kBlock);
  thread.call(kRealloc, {kBlock, 0}, kOther);  // mimalloc
  EXPECT_EQ(counts().frees, 0u);
  EXPECT_EQ(counts().reallocations, 1u);
  EXPECT_NE(life_of(kOther), nullptr);
}

TEST_F(AllocLogic, FailedReallocLeavesTheLifeAsItWas) {
  thread.call(kMalloc, {64}, kBlock);
  const birth before = *life_of(kBlock);
  pass_ns(1000);
  thread.call(kRealloc, {kBlock, 1 << 20}, 0);
  EXPECT_EQ(counts().reallocations, 0u);
  ASSERT_NE(life_of(kBlock), nullptr);
  EXPECT_EQ(std::memcmp(life_of(kBlock), &before, sizeof(before)), 0);
  EXPECT_EQ(all_dropped(), 0u);
}

TEST_F(AllocLogic, ReallocOfAnOlderBlockIsCountedAndNotFollowed) {
  thread.call(kRealloc, {kBlock, 128}, kOther);
  EXPECT_EQ(counts().reallocations, 1u);
  EXPECT_EQ(counts().births, 0u);
  EXPECT_EQ(kernel.births.size(), 0u);
}

TEST_F(AllocLogic, ReallocCallLeftByLongjmpEndsTheLifeUncounted) {
  thread.call(kMalloc, {64}, kBlock);
  thread.enter(kRealloc, {kBlock, 128}, SimulatedThread::kSite);
  thread.unwind();
  thread.call(kFree, {kBlock});
  EXPECT_EQ(dropped(ALLOC_DROP_ABANDONED), 1u);
  EXPECT_EQ(counts().frees_of_older, 1u);
  EXPECT_EQ(deaths(), 0u);
}

// --- growth chains

TEST_F(AllocLogic, ChainCountsStepsFirstAndFinalSizeAndCopiedBytes) {
  thread.call(kMalloc, {100}, kBlock);
  thread.call(kRealloc, {kBlock, 200}, kOther);  // copies 100
  thread.call(kRealloc, {kOther, 400}, kOther);  // grows in place
  thread.call(kRealloc, {kOther, 800}, kThird);  // copies 400
  thread.call(kRealloc, {kThird, 300}, kBlock);  // shrinks: copies 300
  pass_ns(5 * kMs);
  thread.call(kFree, {kBlock});
  const chain* chain = chain_of(SimulatedThread::kSite);
  ASSERT_NE(chain, nullptr);
  EXPECT_EQ(chain->chains, 1u);
  EXPECT_EQ(chain->steps, 4u);
  EXPECT_EQ(chain->copied_bytes, 800u);
  EXPECT_EQ(chain->first_bytes[ps_log_linear_index(100)], 1u);
  EXPECT_EQ(chain->final_bytes[ps_log_linear_index(300)], 1u);
  EXPECT_EQ(counts().reallocations, 4u);
  EXPECT_EQ(counts().reallocated_bytes, 1700u);
  EXPECT_EQ(counts().died_bytes_ns[ps_log_linear_index(5 * kMs - 4 * (kEntryCostNs + kReturnCostNs) - kFreeCostNs)],
            300u);
}

TEST_F(AllocLogic, ChainBelongsToTheSiteOfTheFirstAllocation) {
  thread.call(kMalloc, {100}, kBlock, 0x401100);
  thread.call(kRealloc, {kBlock, 200}, kOther, 0x401200);
  thread.call(kFree, {kOther}, 0, 0x401300);
  EXPECT_NE(chain_of(0x401100), nullptr);
  EXPECT_EQ(kernel.chains.size(), 1u);
}

TEST_F(AllocLogic, ObjectsThatNeverGrewMakeNoChain) {
  thread.call(kMalloc, {100}, kBlock);
  thread.call(kFree, {kBlock});
  EXPECT_EQ(kernel.chains.size(), 0u);
}

TEST_F(AllocLogic, ChainEndedByReallocToNothingCounts) {
  thread.call(kMalloc, {100}, kBlock);
  thread.call(kRealloc, {kBlock, 200}, kOther);
  thread.call(kRealloc, {kOther, 0}, 0);
  ASSERT_NE(chain_of(SimulatedThread::kSite), nullptr);
  EXPECT_EQ(chain_of(SimulatedThread::kSite)->steps, 1u);
}

TEST_F(AllocLogic, SizesBeyondTheBucketsOfAChainCountInTheLast) {
  thread.call(kMalloc, {1ull << 40}, kMapped);
  thread.call(kRealloc, {kMapped, 1ull << 41}, kMapped);
  thread.call(kFree, {kMapped});
  ASSERT_NE(chain_of(SimulatedThread::kSite), nullptr);
  EXPECT_EQ(chain_of(SimulatedThread::kSite)->first_bytes[CHAIN_BUCKETS - 1], 1u);
  EXPECT_EQ(chain_of(SimulatedThread::kSite)->final_bytes[CHAIN_BUCKETS - 1], 1u);
}

struct MoveCase {
  const char* name;
  std::uint64_t mremap_min_bytes, block, bytes;
  bool is_copied;
};

TEST(GrowthChain, BlocksThatGlibcMapsThemselvesMoveWithoutCopying) {
  constexpr std::uint64_t kMin = 128 << 10;
  const MoveCase cases[] = {{"mapped", kMin, kMapped, kMin, false},
                            {"mapped_but_smaller", kMin, kMapped, kMin - 1, true},
                            {"large_in_the_heap", kMin, 0x603020, kMin, true},
                            {"allocator_without_mremap", 0, kMapped, kMin, true}};
  for (const auto& each : cases) {
    SCOPED_TRACE(each.name);
    FakeKernel kernel;
    arm_everything(kernel);
    kernel.control.mremap_min_bytes = each.mremap_min_bytes;
    SimulatedThread thread(kernel, kPid, 1);
    thread.call(kMalloc, {each.bytes}, each.block);
    thread.call(kRealloc, {each.block, 2 * each.bytes}, kMappedOther);
    ASSERT_EQ(kernel.births.size(), 1u);
    EXPECT_EQ(kernel.births.begin()->second.copied_bytes, each.is_copied ? each.bytes : 0u);
  }
}

}  // namespace
