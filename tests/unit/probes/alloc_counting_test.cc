// Which calls count, and as what.
#include "tests/unit/probes/alloc_logic_fixture.h"

namespace {

using namespace poolscope::probes::test;
using Arguments = SimulatedThread::Arguments;

constexpr std::uint64_t kWhere = 0x7ffe0000;  // where posix_memalign puts its result
constexpr std::uint64_t kHuge = ~std::uint64_t{0};

// --- what every function of the malloc family asks for

struct CallCase {
  const char* name;
  Probed probed;
  Arguments arguments;
  std::uint64_t bytes;
};

const CallCase kCalls[] = {{"malloc", kMalloc, {64}, 64},
                           {"malloc_of_nothing", kMalloc, {0}, 0},
                           {"calloc", kCalloc, {3, 40}, 120},
                           {"calloc_of_large_elements", kCalloc, {2, 1ull << 33}, 1ull << 34},
                           {"calloc_of_nothing", kCalloc, {1ull << 40, 0}, 0},
                           {"memalign", kMemalign, {64, 100}, 100},
                           {"posix_memalign", kPosixMemalign, {kWhere, 64, 100}, 100},
                           {"realloc_of_null", kRealloc, {0, 100}, 100},
                           {"reallocarray_of_null", kReallocarray, {0, 10, 10}, 100}};

TEST(AllocatingCall, CountsOnceWithTheBytesAskedFor) {
  for (const auto& each : kCalls) {
    SCOPED_TRACE(each.name);
    for (const Mode mode : {Mode::kSession, Mode::kPair, Mode::kRate}) {
      FakeKernel kernel;
      arm_everything(kernel);
      kernel.memory[kWhere] = kBlock;
      SimulatedThread thread(kernel, kPid, 1, mode);
      thread.call(each.probed, each.arguments, each.probed.function == ALLOC_FN_OUT_ALIGN_SIZE ? 0 : kBlock);
      EXPECT_EQ(kernel.counts.allocations, 1u);
      EXPECT_EQ(kernel.counts.allocated_bytes, each.bytes);
      EXPECT_EQ(kernel.counts.size_bytes[ps_log_linear_index(each.bytes)], 1u);
      EXPECT_EQ(kernel.counts.reallocations, 0u);
      if (mode == Mode::kRate) continue;
      EXPECT_EQ(kernel.counts.births, 1u);
      ASSERT_EQ(kernel.births.size(), 1u);
      EXPECT_EQ(kernel.births.begin()->first.address, kBlock);
      EXPECT_EQ(kernel.births.begin()->second.requested_bytes, each.bytes);
    }
  }
}

TEST_F(AllocLogic, FailedCallsAreNoAllocations) {
  kernel.memory[kWhere] = kBlock;  // what was there before
  thread.call(kMalloc, {64}, 0);
  thread.call(kCalloc, {4, 16}, 0);
  thread.call(kPosixMemalign, {kWhere, 64, 100}, /*ENOMEM*/ 12);
  EXPECT_EQ(counts().allocations, 0u);
  EXPECT_EQ(counts().births, 0u);
  EXPECT_EQ(kernel.births.size(), 0u);
}

TEST_F(AllocLogic, PosixMemalignWhoseResultCannotBeReadIsNoAllocation) {
  thread.call(kPosixMemalign, {kWhere, 64, 100}, 0);
  EXPECT_EQ(counts().births, 0u);
  EXPECT_EQ(all_dropped(), 0u);
}

TEST_F(AllocLogic, PosixMemalignAnswersInTheLowHalfOfTheRegister) {
  kernel.memory[kWhere] = kBlock;
  thread.call(kPosixMemalign, {kWhere, 64, 100}, 0xdeadbeef'00000000);  // an int function leaves the rest as it was
  EXPECT_NE(life_of(kBlock), nullptr);
}

// A product that wraps would look like a modest call; no process can be given as much as it means.
const CallCase kTooLarge[] = {{"malloc", kMalloc, {kHuge}, 0},
                              {"malloc_of_half", kMalloc, {1ull << 63}, 0},
                              {"calloc", kCalloc, {1ull << 32, (1ull << 32) + 1}, 0},
                              {"calloc_of_product_0", kCalloc, {1ull << 32, 1ull << 32}, 0},
                              {"reallocarray", kReallocarray, {kBlock, 1ull << 63, 2}, 0},
                              {"realloc", kRealloc, {kBlock, kHuge}, 0}};

TEST(RateEntry, CallsThatAskForMoreThanAnAddressSpaceDoNotCount) {
  for (const auto& each : kTooLarge) {
    SCOPED_TRACE(each.name);
    FakeKernel kernel;
    arm_everything(kernel);
    SimulatedThread(kernel, kPid, 1, Mode::kRate).call(each.probed, each.arguments, 0);
    EXPECT_EQ(kernel.counts.allocations + kernel.counts.reallocations, 0u);
    EXPECT_EQ(kernel.counts.allocated_bytes + kernel.counts.reallocated_bytes, 0u);
    EXPECT_EQ(kernel.sites.size(), 0u);
  }
}

TEST_F(AllocLogic, ReallocarrayWhoseProductWrapsToNothingFreesNothing) {
  thread.call(kMalloc, {64}, kBlock);
  thread.call(kReallocarray, {kBlock, 1ull << 32, 1ull << 32}, 0);
  EXPECT_EQ(counts().frees, 0u);
  ASSERT_NE(life_of(kBlock), nullptr);
  EXPECT_EQ(life_of(kBlock)->requested_bytes, 64u);
}

// --- frees

TEST_F(AllocLogic, FreeOfNullIsNoEvent) {
  thread.call(kFree, {0});
  EXPECT_EQ(counts().frees, 0u);
  EXPECT_EQ(counts().frees_of_older, 0u);
}

TEST_F(AllocLogic, FreeOfABlockFromBeforeTheBurstCountsAsOlder) {
  thread.call(kFree, {kBlock});
  EXPECT_EQ(counts().frees, 1u);
  EXPECT_EQ(counts().frees_of_older, 1u);
  EXPECT_EQ(deaths(), 0u);
}

TEST_F(AllocLogic, OperatorDeleteThatJumpsIntoFreeCountsOnce) {
  thread.call(kMalloc, {64}, kBlock);
  thread.enter(kSizedDelete, {kBlock, 64}, SimulatedThread::kSite);
  thread.continue_in(kDelete, {kBlock});
  thread.continue_in(kFree, {kBlock});
  thread.leave();
  EXPECT_EQ(counts().frees, 1u);
  EXPECT_EQ(counts().frees_of_older, 0u);
  EXPECT_EQ(deaths(), 1u);
}

TEST_F(AllocLogic, FreesInARowFromOneCallCountOneByOne) {
  for (const std::uint64_t block : {kBlock, kOther}) thread.call(kFree, {block});
  EXPECT_EQ(counts().frees, 2u);
}

TEST_F(AllocLogic, FreesOfDifferentBlocksByDifferentFunctionsFromOneCallCountOneByOne) {
  thread.call(kDelete, {kBlock});  // a call through a pointer
  thread.call(kFree, {kOther});
  EXPECT_EQ(counts().frees, 2u);
}

TEST_F(AllocLogic, AnotherBurstDoesNotTakeAFreeForOneOfTheLast) {
  thread.call(kFree, {kBlock});
  kernel.control.generation = 2;
  thread.call(kDelete, {kBlock});
  EXPECT_EQ(counts().frees, 2u);
}

TEST_F(AllocLogic, FreesOfAnAddressThatIsUsedAgainCountOneByOne) {
  for (int round = 0; round < 3; ++round) {
    thread.call(kMalloc, {64}, kBlock);
    thread.enter(kDelete, {kBlock}, SimulatedThread::kSite + 16);
    thread.continue_in(kFree, {kBlock});
    thread.leave();
  }
  EXPECT_EQ(counts().frees, 3u);
  EXPECT_EQ(deaths(), 3u);
}

TEST_F(AllocLogic, FreesFromTheAllocatorsOwnCodeDoNotCount) {
  kernel.control.tgid = kPid;
  kernel.control.code.start[ALLOC_CODE_RANGES - 1] = 0x500000;
  kernel.control.code.end[ALLOC_CODE_RANGES - 1] = 0x501000;
  thread.call(kFree, {kBlock}, 0, 0x500000);
  thread.call(kFree, {kBlock}, 0, 0x500fff);
  EXPECT_EQ(counts().frees, 0u);
  thread.call(kFree, {kBlock}, 0, 0x501000);
  EXPECT_EQ(counts().frees, 1u);
}

TEST_F(AllocLogic, AllocatorsOwnCodeIsThatOfTheProcessWhenSeveralAreTraced) {
  alloc_code code{};
  code.start[0] = 0x500000;
  code.end[0] = 0x501000;
  ASSERT_EQ(kernel.code_ranges.put(kPid, code), 0);
  thread.call(kFree, {kBlock}, 0, 0x500123);
  EXPECT_EQ(counts().frees, 0u);
  stranger.call(kFree, {kBlock}, 0, 0x500123);  // other code at the same address
  EXPECT_EQ(counts().frees, 1u);
}

// --- calls that the allocator makes to itself while one of its calls is in flight

class NestedCalls : public AllocLogic {
 protected:
  void SetUp() override { thread.call(kMalloc, {64}, kBlock); }
  SimulatedThread thread{kernel, kPid, 101, GetParam()};
};

TEST_P(NestedCalls, ReallocThatCallsMallocAndFreeIsOneReallocation) {
  thread.enter(kRealloc, {kBlock, 128}, SimulatedThread::kSite);
  thread.call(kMalloc, {144}, kOther);
  thread.call(kFree, {kBlock});
  thread.leave(kOther);
  EXPECT_EQ(counts().allocations, 1u);
  EXPECT_EQ(counts().reallocations, 1u);
  EXPECT_EQ(counts().reallocated_bytes, 128u);
  EXPECT_EQ(counts().frees, 0u);
  ASSERT_NE(life_of(kOther), nullptr);
  EXPECT_EQ(life_of(kOther)->requested_bytes, 128u);
}

TEST_P(NestedCalls, MemalignThatCallsMallocGivesTheAlignedBlock) {
  thread.enter(kMemalign, {4096, 100}, SimulatedThread::kSite);
  thread.call(kMalloc, {100 + 4096}, kOther);
  thread.leave(kThird);
  EXPECT_EQ(counts().allocations, 2u);
  EXPECT_EQ(counts().allocated_bytes, 164u);
  EXPECT_EQ(life_of(kOther), nullptr);
  EXPECT_NE(life_of(kThird), nullptr);
}

TEST_P(NestedCalls, PosixMemalignThatCallsMemalignGivesTheBlockItStores) {
  thread.enter(kPosixMemalign, {kWhere, 64, 100}, SimulatedThread::kSite);
  thread.call(kMemalign, {64, 100}, kOther);
  kernel.memory[kWhere] = kOther;
  thread.leave(0);
  EXPECT_EQ(counts().allocations, 2u);
  EXPECT_NE(life_of(kOther), nullptr);
}

TEST_P(NestedCalls, CallocThatJumpsIntoMallocCountsOnce) {
  thread.enter(kCalloc, {2, 50}, SimulatedThread::kSite);
  thread.continue_in(kMalloc, {112});
  thread.leave(kOther);
  EXPECT_EQ(counts().allocations, 2u);
  EXPECT_EQ(counts().births, 2u);
  ASSERT_NE(life_of(kOther), nullptr);
  EXPECT_EQ(life_of(kOther)->requested_bytes, 100u);
}

TEST_P(NestedCalls, ReallocOfNullThatJumpsIntoMallocCountsOnce) {
  thread.enter(kRealloc, {0, 100}, SimulatedThread::kSite);
  thread.continue_in(kMalloc, {100});
  thread.leave(kOther);
  EXPECT_EQ(counts().allocations, 2u);
  EXPECT_EQ(counts().reallocations, 0u);
}

TEST_P(NestedCalls, ReallocToNothingThatJumpsIntoFreeIsOneFree) {
  thread.enter(kRealloc, {kBlock, 0}, SimulatedThread::kSite);
  thread.continue_in(kFree, {kBlock});
  thread.leave(0);
  EXPECT_EQ(counts().frees, 1u);
  EXPECT_EQ(deaths(), 1u);
}

TEST_P(NestedCalls, ChainsOfNestedCallsEndWithTheOutermost) {
  thread.enter(kPosixMemalign, {kWhere, 64, 100}, SimulatedThread::kSite);
  thread.enter(kMemalign, {64, 100}, SimulatedThread::kSite);
  thread.call(kMalloc, {200}, kThird);
  thread.leave(kOther);
  kernel.memory[kWhere] = kOther;
  thread.leave(0);
  thread.call(kFree, {kOther});
  EXPECT_EQ(counts().births, 2u);
  EXPECT_EQ(deaths(), 1u);
  EXPECT_EQ(all_dropped(), 0u);
}

TEST_P(NestedCalls, CallsOfAnotherThreadMeanwhileCount) {
  thread.enter(kRealloc, {kBlock, 128}, SimulatedThread::kSite);
  second.call(kMalloc, {10}, kThird);
  second.call(kFree, {kThird});
  thread.leave(kOther);
  EXPECT_EQ(counts().allocations, 2u);
  EXPECT_EQ(counts().frees, 1u);
}

INSTANTIATE_TEST_SUITE_P(BothWaysToSeeReturns, NestedCalls, testing::Values(Mode::kSession, Mode::kPair),
                         [](const auto& each) { return each.param == Mode::kSession ? "Session" : "Pair"; });

// --- calls that never return

TEST_F(AllocLogic, CallLeftByAnExceptionIsAbandonedAndLaterCallsCount) {
  thread.enter(kMalloc, {64}, SimulatedThread::kSite);
  thread.unwind();
  thread.call(kMalloc, {32}, kBlock);
  thread.call(kFree, {kBlock});
  EXPECT_EQ(dropped(ALLOC_DROP_ABANDONED), 1u);
  EXPECT_EQ(counts().allocations, 1u);
  EXPECT_EQ(counts().allocated_bytes, 32u);
  EXPECT_EQ(deaths(), 1u);
}

TEST_F(AllocLogic, FreeFromAShallowerFrameFindsTheAbandonedCall) {
  thread.call(kMalloc, {64}, kBlock);
  thread.enter(kFree, {0}, SimulatedThread::kSite);  // deepens the stack and is no event
  thread.enter(kMalloc, {64}, SimulatedThread::kSite);
  thread.unwind();
  thread.call(kFree, {kBlock});
  EXPECT_EQ(dropped(ALLOC_DROP_ABANDONED), 1u);
  EXPECT_EQ(deaths(), 1u);
}

TEST_F(AllocLogic, AbandonedCallWhoseStackIsGoneDoesNotHideLaterCalls) {
  const std::uint64_t stack_pointer = thread.next_stack_pointer();
  thread.enter(kMalloc, {64}, SimulatedThread::kSite);
  thread.unwind();
  kernel.memory.erase(stack_pointer);
  thread.enter(kFree, {0}, SimulatedThread::kSite);  // deepens the stack and is no event
  kernel.memory.erase(stack_pointer);
  thread.call(kMalloc, {32}, kBlock);
  EXPECT_EQ(counts().births, 1u);
}

TEST_F(AllocLogic, ReturnAddressOnAPageBoundaryIsNotTakenForTheTrampoline) {
  constexpr std::uint64_t kPageAligned = 0x402000;
  thread.enter(kMalloc, {64}, kPageAligned);
  thread.unwind();
  thread.call(kMalloc, {32}, kBlock, kPageAligned);
  EXPECT_EQ(counts().allocations, 1u);
  EXPECT_EQ(dropped(ALLOC_DROP_ABANDONED), 1u);
}

TEST_F(AllocLogic, ReturnOfACallFromBeforeTheWindowIsIgnored) {
  kernel.control.armed = 0;
  SimulatedThread pair(kernel, kPid, 103, Mode::kPair);
  pair.enter(kMalloc, {64}, SimulatedThread::kSite);
  kernel.control.armed = kEverything;
  pair.leave(kBlock);
  EXPECT_EQ(counts().allocations, 0u);
  EXPECT_EQ(counts().births, 0u);
}

// --- counting without returns

class Rate : public AllocLogic {
 protected:
  SimulatedThread thread{kernel, kPid, 101, Mode::kRate};
};

TEST_F(Rate, CallsFromTheAllocatorsOwnCodeDoNotCount) {
  kernel.control.tgid = kPid;
  kernel.control.code.start[0] = 0x500000;
  kernel.control.code.end[0] = 0x501000;
  thread.call(kMalloc, {64}, 0, 0x500123);
  EXPECT_EQ(counts().allocations, 0u);
  thread.call(kMalloc, {64});
  EXPECT_EQ(counts().allocations, 1u);
}

TEST_F(Rate, JumpFromOneFunctionIntoAnotherCountsOnce) {
  thread.enter(kCalloc, {2, 50}, SimulatedThread::kSite);
  thread.continue_in(kMalloc, {112});
  thread.leave();
  EXPECT_EQ(counts().allocations, 1u);
  EXPECT_EQ(counts().allocated_bytes, 100u);
}

TEST_F(Rate, CallsInARowFromOnePlaceCountOneByOne) {
  for (int i = 0; i < 5; ++i) thread.call(kMalloc, {64});
  EXPECT_EQ(counts().allocations, 5u);
}

TEST_F(Rate, ForkedProcessesWithEqualStacksAreNotTakenForOneThread) {
  alloc_call call{};
  call.control = &kernel.control;
  call.counts = &kernel.counts;
  call.stack_pointer = thread.next_stack_pointer();
  call.return_address = SimulatedThread::kSite;
  call.tid = 1;
  call.cookie = kMalloc.cookie();
  alloc_on_rate_entry(&call);
  call.tid = 2;
  call.cookie = kMemalign.cookie();
  alloc_on_rate_entry(&call);
  EXPECT_EQ(counts().allocations, 2u);
}

TEST_F(Rate, ReallocOfALiveBlockIsAReallocation) {
  thread.call(kRealloc, {kBlock, 128});
  thread.call(kReallocarray, {kBlock, 2, 100}, 0, SimulatedThread::kSite + 16);
  EXPECT_EQ(counts().allocations, 0u);
  EXPECT_EQ(counts().reallocations, 2u);
  EXPECT_EQ(counts().reallocated_bytes, 328u);
}

TEST_F(Rate, ReallocToNothingIsAFreeAndNotCounted) {
  thread.call(kRealloc, {kBlock, 0});
  EXPECT_EQ(counts().allocations + counts().reallocations, 0u);
  EXPECT_EQ(kernel.sites.size(), 0u);
}

TEST_F(Rate, UnreadableReturnAddressCountsWithoutASite) {
  alloc_call call{};
  call.control = &kernel.control;
  call.counts = &kernel.counts;
  call.arguments[0] = 64;
  alloc_on_rate_entry(&call);
  EXPECT_EQ(counts().allocations, 1u);
  EXPECT_EQ(dropped(ALLOC_DROP_STACK_FAULT), 1u);
  EXPECT_EQ(kernel.sites.size(), 0u);
}

// --- what is armed

struct ArmedCase {
  const char* name;
  std::uint32_t armed;
  std::uint64_t allocations, births, frees, frees_of_older, deaths;
};

TEST(Armed, BitsSayWhatIsCounted) {
  const ArmedCase cases[] = {{"nothing", 0, 0, 0, 0, 0, 0},
                             {"allocations", ALLOC_ARMED_ALLOCATIONS, 1, 0, 0, 0, 0},
                             {"births", ALLOC_ARMED_BIRTHS, 0, 1, 0, 0, 0},
                             {"frees", ALLOC_ARMED_FREES, 0, 0, 2, 0, 0},
                             {"deaths", ALLOC_ARMED_DEATHS, 0, 0, 0, 2, 0},
                             {"births_and_deaths", ALLOC_ARMED_BIRTHS | ALLOC_ARMED_DEATHS, 0, 1, 0, 1, 1},
                             {"frees_and_deaths", ALLOC_ARMED_FREES | ALLOC_ARMED_DEATHS, 0, 0, 2, 2, 0},
                             {"everything", kEverything, 1, 1, 2, 1, 1}};
  for (const auto& each : cases) {
    SCOPED_TRACE(each.name);
    FakeKernel kernel;
    arm_everything(kernel);
    kernel.control.armed = each.armed;
    SimulatedThread thread(kernel, kPid, 1);
    thread.call(kMalloc, {64}, kBlock);
    thread.call(kFree, {kBlock});
    thread.call(kFree, {kOther});
    EXPECT_EQ(kernel.counts.allocations, each.allocations);
    EXPECT_EQ(kernel.counts.births, each.births);
    EXPECT_EQ(kernel.counts.frees, each.frees);
    EXPECT_EQ(kernel.counts.frees_of_older, each.frees_of_older);
    std::uint64_t deaths = 0;
    for (const auto count : kernel.counts.died_ns) deaths += count;
    EXPECT_EQ(deaths, each.deaths);
  }
}

}  // namespace
