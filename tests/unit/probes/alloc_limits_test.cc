// Full maps: what does not fit is counted by its reason and does no other harm.
#include "tests/unit/probes/alloc_logic_fixture.h"

namespace {

using namespace poolscope::probes::test;

TEST_F(AllocLogic, FullBirthsLeaveTheObjectCountedAndNotFollowed) {
  kernel.births.set_capacity(1);
  thread.call(kMalloc, {64}, kBlock);
  thread.call(kMalloc, {32}, kOther);
  EXPECT_EQ(dropped(ALLOC_DROP_BIRTHS_FULL), 1u);
  EXPECT_EQ(all_dropped(), 1u);
  EXPECT_EQ(counts().allocations, 2u);
  thread.call(kFree, {kOther});
  EXPECT_EQ(counts().frees_of_older, 1u);
  thread.call(kFree, {kBlock});
  EXPECT_EQ(deaths(), 1u);
}

TEST_F(AllocLogic, FullBirthsAdmitAgainAfterADeath) {
  kernel.births.set_capacity(1);
  thread.call(kMalloc, {64}, kBlock);
  thread.call(kFree, {kBlock});
  thread.call(kMalloc, {32}, kOther);
  EXPECT_EQ(all_dropped(), 0u);
  EXPECT_NE(life_of(kOther), nullptr);
}

TEST_F(AllocLogic, PlaceOfABlockBeingMovedMayBeTakenMeanwhile) {
  kernel.births.set_capacity(1);
  thread.call(kMalloc, {64}, kBlock);
  thread.enter(kRealloc, {kBlock, 128}, SimulatedThread::kSite);
  second.call(kMalloc, {32}, kOther);
  thread.leave(kThird);
  EXPECT_EQ(dropped(ALLOC_DROP_BIRTHS_FULL), 1u);
  EXPECT_EQ(counts().reallocations, 1u);
  EXPECT_EQ(life_of(kThird), nullptr);
}

TEST_F(AllocLogic, FullSitesLeaveTheCallCountedWithoutASite) {
  kernel.sites.set_capacity(1);
  thread.call(kMalloc, {64}, kBlock, 0x401100);
  thread.call(kMalloc, {64}, kOther, 0x401200);
  thread.call(kMalloc, {64}, kThird, 0x401100);
  thread.call(kFree, {kOther});
  EXPECT_EQ(dropped(ALLOC_DROP_SITES_FULL), 1u);
  EXPECT_EQ(all_dropped(), 1u);
  EXPECT_EQ(counts().allocations, 3u);
  EXPECT_EQ(deaths(), 1u);
  EXPECT_EQ(site_of(0x401100, 0x401100)->calls, 2u);
}

TEST_F(AllocLogic, FullChainsLeaveTheDeathCounted) {
  kernel.chains.set_capacity(0);
  thread.call(kMalloc, {64}, kBlock);
  thread.call(kRealloc, {kBlock, 128}, kOther);
  thread.call(kFree, {kOther});
  EXPECT_EQ(dropped(ALLOC_DROP_CHAINS_FULL), 1u);
  EXPECT_EQ(all_dropped(), 1u);
  EXPECT_EQ(deaths(), 1u);
}

TEST_F(AllocLogic, FullThreadsLeaveOutTheCallsOfNewThreads) {
  kernel.threads.set_capacity(1);
  thread.call(kMalloc, {64}, kBlock);
  second.call(kMalloc, {32}, kOther);
  EXPECT_EQ(dropped(ALLOC_DROP_THREADS_FULL), 1u);
  second.call(kFree, {kBlock});
  EXPECT_EQ(dropped(ALLOC_DROP_THREADS_FULL), 2u);
  EXPECT_EQ(counts().allocations, 1u);
  EXPECT_EQ(counts().frees, 0u);
  EXPECT_NE(life_of(kBlock), nullptr);
  thread.call(kFree, {kBlock});
  EXPECT_EQ(deaths(), 1u);
}

TEST_F(AllocLogic, RateNeedsNoThreadState) {
  kernel.threads.set_capacity(0);
  SimulatedThread(kernel, kPid, 103, Mode::kRate).call(kMalloc, {64});
  EXPECT_EQ(counts().allocations, 1u);
  EXPECT_EQ(all_dropped(), 0u);
}

}  // namespace
