// Call sites: following callers out of allocation wrappers.
#include "tests/unit/probes/alloc_logic_fixture.h"

namespace {

using namespace poolscope::probes::test;

constexpr std::uint64_t kInWrapper = 0x402010, kInOuterWrapper = 0x402020, kUser = 0x401500;

class AllocSites : public AllocLogic {
 protected:
  SimulatedThread thread{kernel, kPid, 101, Mode::kRate};

  // Code at `address` reaches its caller by this row.
  void add_step(std::uint64_t address, const step& row, std::uint32_t slot = 0) {
    ASSERT_EQ(kernel.steps.put({address, slot}, row), 0);
  }
  // rsp after the return into the allocator's caller, for the next call.
  [[nodiscard]] std::uint64_t callers_stack_pointer() const { return thread.next_stack_pointer() + 8; }
  void allocate_in_wrapper() { thread.call(kMalloc, {64}, kBlock, kInWrapper); }

  [[nodiscard]] const site& only_site() {
    EXPECT_EQ(kernel.sites.size(), 1u);
    return kernel.sites.begin()->second;
  }
  [[nodiscard]] std::vector<std::uint64_t> frames() {
    const site& site = only_site();
    std::vector<std::uint64_t> result;
    for (const auto frame : site.frames) {
      if (frame != 0) result.push_back(frame);
    }
    return result;
  }
  using Frames = std::vector<std::uint64_t>;
};

constexpr step by_rsp(std::int32_t cfa_offset, std::int32_t saved_rbp = STEP_RBP_KEPT) {
  return {cfa_offset, saved_rbp, 0, 0};
}
constexpr step by_rbp(std::int32_t cfa_offset, std::int32_t saved_rbp = STEP_RBP_KEPT) {
  return {cfa_offset, saved_rbp, 1, 0};
}

TEST_F(AllocSites, WithoutStepsTheSiteIsTheAllocatorsCaller) {
  allocate_in_wrapper();
  EXPECT_EQ(frames(), Frames{kInWrapper});
  EXPECT_EQ(kernel.sites.begin()->first.first, kInWrapper);
  EXPECT_EQ(kernel.sites.begin()->first.last, kInWrapper);
  EXPECT_EQ(only_site().calls, 1u);
  EXPECT_EQ(only_site().requested_bytes, 64u);
}

TEST_F(AllocSites, StackPointerStepsLeadOutOfNestedWrappers) {
  add_step(kInWrapper, by_rsp(32));
  add_step(kInOuterWrapper, by_rsp(48));
  const std::uint64_t cfa = callers_stack_pointer() + 32;
  kernel.memory[cfa - 8] = kInOuterWrapper;
  kernel.memory[cfa + 48 - 8] = kUser;
  allocate_in_wrapper();
  EXPECT_EQ(frames(), (Frames{kInWrapper, kInOuterWrapper, kUser}));
  EXPECT_NE(site_of(kInWrapper, kUser), nullptr);
}

TEST_F(AllocSites, FramePointerStepsLeadOutOfWrappersWithoutAKnownStackSize) {
  constexpr std::uint64_t kFramePointer = 0x7fff'8000'0000;
  add_step(kInWrapper, by_rbp(16, -16));
  kernel.memory[kFramePointer + 8] = kUser;
  kernel.memory[kFramePointer] = 0x7fff'8000'1000;
  thread.frame_pointer = kFramePointer;
  allocate_in_wrapper();
  EXPECT_EQ(frames(), (Frames{kInWrapper, kUser}));
}

TEST_F(AllocSites, SavedFramePointerIsTakenFromTheStack) {
  constexpr std::uint64_t kCallersFramePointer = 0x7fff'8000'0000;
  add_step(kInWrapper, by_rsp(32, -16));  // pushed rbp and used it for something else
  add_step(kInOuterWrapper, by_rbp(16));
  const std::uint64_t cfa = callers_stack_pointer() + 32;
  kernel.memory[cfa - 8] = kInOuterWrapper;
  kernel.memory[cfa - 16] = kCallersFramePointer;
  kernel.memory[kCallersFramePointer + 8] = kUser;
  thread.frame_pointer = 0x1234;
  allocate_in_wrapper();
  EXPECT_EQ(frames(), (Frames{kInWrapper, kInOuterWrapper, kUser}));
}

TEST_F(AllocSites, UntouchedFramePointerIsKeptOnTheWay) {
  constexpr std::uint64_t kFramePointer = 0x7fff'8000'0000;
  add_step(kInWrapper, by_rsp(32));
  add_step(kInOuterWrapper, by_rbp(16));
  kernel.memory[callers_stack_pointer() + 32 - 8] = kInOuterWrapper;
  kernel.memory[kFramePointer + 8] = kUser;
  thread.frame_pointer = kFramePointer;
  allocate_in_wrapper();
  EXPECT_EQ(frames(), (Frames{kInWrapper, kInOuterWrapper, kUser}));
}

TEST_F(AllocSites, UnreadableSavedFramePointerEndsTheSiteAtTheStepThatNeedsIt) {
  add_step(kInWrapper, by_rsp(32, -16));
  add_step(kInOuterWrapper, by_rbp(16));
  kernel.memory[callers_stack_pointer() + 32 - 8] = kInOuterWrapper;
  allocate_in_wrapper();
  EXPECT_EQ(frames(), (Frames{kInWrapper, kInOuterWrapper}));
}

TEST_F(AllocSites, UnreadableStackEndsTheSiteWhereItIs) {
  add_step(kInWrapper, by_rsp(32));
  allocate_in_wrapper();
  EXPECT_EQ(frames(), Frames{kInWrapper});
  EXPECT_EQ(all_dropped(), 0u);
}

TEST_F(AllocSites, ReturnAddressOfNothingEndsTheSite) {
  add_step(kInWrapper, by_rsp(32));
  kernel.memory[callers_stack_pointer() + 32 - 8] = 0;
  allocate_in_wrapper();
  EXPECT_EQ(frames(), Frames{kInWrapper});
}

TEST_F(AllocSites, CyclesOfWrappersEndAtTheGreatestDepth) {
  add_step(kInWrapper, by_rsp(16));
  for (std::uint64_t i = 1; i < 20; ++i) kernel.memory[callers_stack_pointer() + 16 * i - 8] = kInWrapper;
  allocate_in_wrapper();
  EXPECT_EQ(frames().size(), std::size_t{ALLOC_SITE_DEPTH});
}

TEST_F(AllocSites, StepsThatGoNowhereEndAtTheGreatestDepth) {
  add_step(kInWrapper, by_rsp(0));
  allocate_in_wrapper();
  EXPECT_EQ(frames().size(), std::size_t{ALLOC_SITE_DEPTH});
}

TEST_F(AllocSites, StepsBelongToTheirSlot) {
  add_step(kInWrapper, by_rsp(32), /*slot=*/1);
  kernel.memory[callers_stack_pointer() + 32 - 8] = kUser;
  allocate_in_wrapper();
  EXPECT_EQ(frames(), Frames{kInWrapper});
}

TEST_F(AllocSites, CallersOfOneWrapperAreSitesOfTheirOwn) {
  add_step(kInWrapper, by_rsp(32));
  for (const std::uint64_t caller : {kUser, kUser + 0x10, kUser}) {
    kernel.memory[callers_stack_pointer() + 32 - 8] = caller;
    allocate_in_wrapper();
  }
  EXPECT_EQ(kernel.sites.size(), 2u);
  EXPECT_EQ(site_of(kInWrapper, kUser)->calls, 2u);
  EXPECT_EQ(site_of(kInWrapper, kUser + 0x10)->calls, 1u);
}

TEST_F(AllocSites, LivesBelongToTheFollowedSite) {
  add_step(kInWrapper, by_rsp(32));
  SimulatedThread following(kernel, kPid, 103);
  kernel.memory[following.next_stack_pointer() + 8 + 32 - 8] = kUser;
  following.call(kMalloc, {64}, kBlock, kInWrapper);
  following.call(kFree, {kBlock});
  ASSERT_NE(site_of(kInWrapper, kUser), nullptr);
  EXPECT_EQ(site_of(kInWrapper, kUser)->births, 1u);
  EXPECT_EQ(site_of(kInWrapper, kUser)->short_lived, 1u);
}

}  // namespace
