#include "agent/estimate/survival.h"

#include <gtest/gtest.h>

namespace poolscope::estimate {
namespace {

// Ages below 16 have a bucket each, so these are the textbook steps.
SurvivalCurve curve_of(std::initializer_list<unsigned> died, std::initializer_list<unsigned> alive) {
  BucketWeights died_weights{}, alive_weights{};
  for (const unsigned age : died) died_weights[age] += 1;
  for (const unsigned age : alive) alive_weights[age] += 1;
  return {died_weights, alive_weights};
}

TEST(SurvivalCurve, IsTheProductOfConditionalShares) {
  const auto curve = curve_of({1, 3, 5}, {2, 4});
  EXPECT_DOUBLE_EQ(curve.died_by(0), 0);
  EXPECT_DOUBLE_EQ(curve.died_by(1), 1 / 5.0);
  EXPECT_DOUBLE_EQ(curve.died_by(2), 1 / 5.0);
  EXPECT_DOUBLE_EQ(curve.died_by(3), 1 - 4 / 5.0 * 2 / 3.0);
  EXPECT_DOUBLE_EQ(curve.died_by(5), 1);
}

TEST(SurvivalCurve, PutsDeathsBeforeCensoringsOfTheSameAge) {
  EXPECT_DOUBLE_EQ(curve_of({3}, {3}).died_by(3), 0.5);
}

TEST(SurvivalCurve, WithoutCensoringIsTheShareThatDied) {
  const auto curve = curve_of({1, 2, 2, 9}, {});
  EXPECT_DOUBLE_EQ(curve.died_by(2), 0.75);
  EXPECT_DOUBLE_EQ(curve.died_by(8), 0.75);
}

TEST(SurvivalCurve, RisesLinearlyInsideABucket) {
  BucketWeights died{}, alive{};
  died[ps_log_linear_index(1024)] = 1;  // 1024 .. 1151
  const SurvivalCurve curve(died, alive);
  EXPECT_DOUBLE_EQ(curve.died_by(1024 + 63), 0.5);
  EXPECT_DOUBLE_EQ(*curve.age_ns(0.25), 1024 + 32);
}

TEST(SurvivalCurve, HasNoQuantileItDoesNotReach) {
  const auto curve = curve_of({1}, {5, 5, 5});
  EXPECT_FALSE(curve.age_ns(0.5));
  EXPECT_TRUE(curve.age_ns(0.25));
}

TEST(SurvivalCurve, WithoutObjectsStaysAtZero) {
  const auto curve = curve_of({}, {});
  EXPECT_DOUBLE_EQ(curve.died_by(1'000'000), 0);
  EXPECT_FALSE(curve.age_ns(0.5));
}

TEST(SurvivalCurve, WeighsObjects) {
  BucketWeights died{}, alive{};
  died[2] = 3;
  alive[7] = 1;
  EXPECT_DOUBLE_EQ(SurvivalCurve(died, alive).died_by(2), 0.75);
}

}  // namespace
}  // namespace poolscope::estimate
