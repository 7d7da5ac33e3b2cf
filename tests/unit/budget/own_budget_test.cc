#include "agent/budget/own_budget.h"

#include <gtest/gtest.h>

namespace poolscope::budget {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

// An agent that has run for `seconds` and used `cpu_ratio` of a CPU.
OwnBudget after(unsigned seconds, double cpu_ratio) {
  OwnBudget budget;
  for (unsigned i = 0; i <= seconds; ++i) {
    const std::uint64_t elapsed_ns = i * kSecondNs;
    budget.account(static_cast<std::uint64_t>(cpu_ratio * static_cast<double>(elapsed_ns)), kSecondNs + elapsed_ns);
  }
  return budget;
}

TEST(OwnBudget, AllowsEveryBurstOfAnAgentThatKeepsIt) {
  OwnBudget budget = after(100, 0.009);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(budget.allows_burst());
  EXPECT_EQ(budget.shed_bursts(), 0u);
}

TEST(OwnBudget, ShedsAndCountsBurstsOfAnAgentThatUsesMore) {
  OwnBudget budget = after(100, 0.02);
  EXPECT_FALSE(budget.allows_burst());
  EXPECT_FALSE(budget.allows_burst());
  EXPECT_EQ(budget.shed_bursts(), 2u);
}

TEST(OwnBudget, NeverForgetsATargetAltogether) {
  OwnBudget budget = after(100, 0.5);
  unsigned taken = 0;
  for (unsigned i = 0; i < 10 * (OwnBudget::kMostShed + 1); ++i) taken += budget.allows_burst() ? 1 : 0;
  EXPECT_EQ(taken, 10u);
}

TEST(OwnBudget, AllowsBurstsAgainWhenWhatWasTooMuchIsEarnedBack) {
  OwnBudget budget = after(10, 0.03);  // 0.2 s of CPU too much
  EXPECT_FALSE(budget.allows_burst());
  budget.account(static_cast<std::uint64_t>(0.3e9), 11 * kSecondNs + 25 * kSecondNs);
  EXPECT_TRUE(budget.allows_burst());
}

TEST(OwnBudget, DoesNotAskBackWhatWasForgiven) {
  OwnBudget budget = after(10, 0.03);
  budget.forgive(static_cast<std::uint64_t>(0.21e9));
  EXPECT_TRUE(budget.allows_burst());
}

TEST(OwnBudget, TellsWhatWasUsedLately) {
  EXPECT_NEAR(after(300, 0.02).cpu_ratio(), 0.02, 0.001);
  EXPECT_EQ(after(0, 0.02).cpu_ratio(), 0);
}

}  // namespace
}  // namespace poolscope::budget
