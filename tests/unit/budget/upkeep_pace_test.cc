#include "agent/budget/upkeep_pace.h"

#include <gtest/gtest.h>

namespace poolscope::budget {
namespace {

constexpr std::uint64_t kCheapNs = 1'000'000, kSecondNs = 1'000'000'000;

UpkeepPace pace_of(std::initializer_list<std::uint64_t> costs_ns) {
  UpkeepPace pace(2 * kSecondNs, 10 * kSecondNs);
  for (const std::uint64_t cost_ns : costs_ns) pace.took(cost_ns);
  return pace;
}

TEST(UpkeepPace, WaitsNoLongerThanWantedWhileItIsCheap) {
  EXPECT_EQ(pace_of({}).interval_ns(), 2 * kSecondNs);
  EXPECT_EQ(pace_of({kCheapNs, kCheapNs}).interval_ns(), 2 * kSecondNs);
}

TEST(UpkeepPace, WaitsSoLongThatItTakesAQuarterOfTheBudget) {
  const std::uint64_t cost_ns = 20 * kCheapNs;
  const auto interval_ns = static_cast<double>(pace_of({cost_ns, cost_ns, cost_ns}).interval_ns());
  EXPECT_DOUBLE_EQ(static_cast<double>(cost_ns) / interval_ns, OwnPace::kCpuRatio / 4);
}

TEST(UpkeepPace, ForgivesTheFirstTime) {
  EXPECT_EQ(pace_of({kSecondNs}).interval_ns(), 2 * kSecondNs);
  EXPECT_EQ(pace_of({kSecondNs, kCheapNs}).interval_ns(), 2 * kSecondNs);
}

TEST(UpkeepPace, NeverWaitsLongerThanItMay) {
  EXPECT_EQ(pace_of({kSecondNs, kSecondNs}).interval_ns(), 10 * kSecondNs);
}

TEST(UpkeepPace, IsQuickAgainWhenItHasBecomeCheap) {
  EXPECT_EQ(pace_of({kSecondNs, kSecondNs, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}).interval_ns(), 2 * kSecondNs);
}

}  // namespace
}  // namespace poolscope::budget
