#include "probes/collectors/caller_steps.h"

#include <gtest/gtest.h>

#include "tests/unit/probes/own_process.h"

namespace {

using namespace poolscope;
using namespace poolscope::probes;

std::uint64_t return_address_seen = 0;

// What an allocator would see as its caller. The barriers keep the calls from becoming jumps.
__attribute__((noinline)) void see_caller() {
  return_address_seen = reinterpret_cast<std::uint64_t>(__builtin_return_address(0));
}

extern "C" __attribute__((noinline)) void poolscope_test_zmalloc() {
  see_caller();
  __asm__ volatile("" ::: "memory");
}
extern "C" __attribute__((noinline)) void poolscope_test_business() {
  see_caller();
  __asm__ volatile("" ::: "memory");
}

std::uint64_t return_address_in(void (*function)()) {
  function();
  return return_address_seen;
}

class CallerStepsOfThisProcess : public testing::Test {
 protected:
  using Sites = std::vector<std::pair<site_key, site>>;

  ProcessImage image = test::image_of_this_process();
  CallerSteps steps;
  const std::uint64_t in_wrapper = return_address_in(poolscope_test_zmalloc);
  const std::uint64_t in_business = return_address_in(poolscope_test_business);

  [[nodiscard]] static std::pair<site_key, site> seen(std::uint64_t last, std::uint64_t calls, std::size_t depth = 1) {
    site counted{};
    counted.calls = calls;
    for (std::size_t i = 0; i < depth; ++i) counted.frames[i] = last;
    return {{last, last, 0}, counted};
  }
};

TEST_F(CallerStepsOfThisProcess, LearnsAWrapperThatWasSeenOnce) {
  EXPECT_TRUE(steps.learn(image, Sites{seen(in_wrapper, 1)}));
  EXPECT_EQ(steps.generation(), 1u);
  EXPECT_FALSE(steps.learn(image, Sites{seen(in_wrapper, 1)})) << "known by now";
  EXPECT_EQ(steps.generation(), 1u);
}

TEST_F(CallerStepsOfThisProcess, LeavesBusinessFunctionsAlone) {
  EXPECT_FALSE(steps.learn(image, Sites{seen(in_business, 1000)}));
  EXPECT_EQ(steps.generation(), 0u);
}

TEST_F(CallerStepsOfThisProcess, LeavesSitesAloneThatAreFollowedAsFarAsPossible) {
  EXPECT_FALSE(steps.learn(image, Sites{seen(in_wrapper, 1, ALLOC_SITE_DEPTH)}));
}

TEST_F(CallerStepsOfThisProcess, LearnsNothingWhereNoCodeIs) {
  EXPECT_FALSE(steps.learn(image, Sites{seen(0x10, 1000)}));
}

TEST_F(CallerStepsOfThisProcess, LearnsNothingFromNothing) {
  EXPECT_FALSE(steps.learn(image, Sites{}));
}

TEST_F(CallerStepsOfThisProcess, SeedKnowsWrappersByTheirNamesBeforeACallWasSeen) {
  steps.seed(image);
  EXPECT_EQ(steps.generation(), 0u) << "nothing was mixed yet";
  EXPECT_FALSE(steps.learn(image, Sites{seen(in_wrapper, 1)}));
}

}  // namespace
