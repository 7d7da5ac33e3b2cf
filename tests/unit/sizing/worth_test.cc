#include "pools/sizing/worth.h"

#include <gtest/gtest.h>

namespace poolscope::sizing {
namespace {

constexpr PoolUseCost kUse{1'000'000, 100, 5, 6.0 * (1 << 30)};  // idle memory of a whole core

TEST(PoolSaving, IsWhatHitsSaveLessGetsPutsAndMemory) {
  EXPECT_DOUBLE_EQ(pool_saving_ns(kUse, Prices{}, 0.8), 1e6 * (80 - 5) - 1e9);
}

TEST(PoolSaving, OfAnIntervalOfHitRatiosIsAnInterval) {
  const Interval saving = pool_saving_ns(kUse, Prices{}, Interval{0.8, 0.7, 0.9});
  EXPECT_LT(saving.low, saving.value);
  EXPECT_GT(saving.high, saving.value);
}

TEST(BreakEven, IsTheHitRatioWithoutSaving) {
  PoolUseCost use = kUse;
  use.idle_bytes = 1 << 20;
  const double ratio = break_even_hit_ratio(use, Prices{});
  EXPECT_NEAR(pool_saving_ns(use, Prices{}, ratio), 0, 1e-3);
}

TEST(BreakEven, IsAboveOneForObjectsCheaperThanThePool) {
  EXPECT_GT(break_even_hit_ratio({1000, 4, 5, 0}, Prices{}), 1);
}

TEST(BreakEven, WithoutGetsIsOne) {
  EXPECT_EQ(break_even_hit_ratio({0, 100, 5, 0}, Prices{}), 1);
  EXPECT_EQ(break_even_hit_ratio({10, 0, 5, 0}, Prices{}), 1);
}

}  // namespace
}  // namespace poolscope::sizing
