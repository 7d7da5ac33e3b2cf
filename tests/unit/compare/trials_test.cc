// What the statistics promise, over thousands of comparisons whose truth is known.
#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "agent/compare/statistics.h"

namespace poolscope::compare {
namespace {

constexpr int kTrials = 2000;
using Samples = std::vector<double>;
using Draw = std::function<double(std::mt19937_64&)>;

Samples draw_many(const Draw& draw, std::size_t count, std::mt19937_64& random) {
  Samples samples(count);
  std::ranges::generate(samples, [&] { return draw(random); });
  return samples;
}

double normal(std::mt19937_64& random) {
  return std::normal_distribution<>(100, 5)(random);
}
double lognormal(std::mt19937_64& random) {
  return std::lognormal_distribution<>(0, 1)(random);
}
// Allocations per operation: nearly always the same.
double tied(std::mt19937_64& random) {
  return 230 + std::geometric_distribution<>(0.7)(random);
}

struct TrialCase {
  const char* name;
  Draw draw;
  std::size_t samples;
};
void PrintTo(const TrialCase& trial, std::ostream* out) {
  *out << trial.name;
}
class SameOnBothSides : public testing::TestWithParam<TrialCase> {};

TEST_P(SameOnBothSides, IsSignificantAtMostInOneOfTwenty) {
  std::mt19937_64 random(1);
  RankTest test;
  int significant = 0;
  for (int i = 0; i < kTrials; ++i) {
    const Samples base = draw_many(GetParam().draw, GetParam().samples, random);
    const Samples fresh = draw_many(GetParam().draw, GetParam().samples, random);
    significant += test.p_value(base, fresh) <= kAlpha ? 1 : 0;
  }
  RecordProperty("significant", significant);
  EXPECT_LE(significant, kTrials / 20);
}
INSTANTIATE_TEST_SUITE_P(Trials, SameOnBothSides,
                         testing::Values(TrialCase{"Normal10", normal, 10}, TrialCase{"Lognormal10", lognormal, 10},
                                         TrialCase{"Tied10", tied, 10}, TrialCase{"Normal4", normal, 4},
                                         TrialCase{"Lognormal30", lognormal, 30}, TrialCase{"Tied30", tied, 30}),
                         [](const auto& info) { return std::string(info.param.name); });

class Intervals : public testing::TestWithParam<TrialCase> {};

TEST_P(Intervals, HoldTheTruthInNineteenOfTwenty) {
  constexpr double kFactor = 1.3;
  Samples many(200'001);
  std::mt19937_64 random(2);
  std::ranges::generate(many, [&] { return GetParam().draw(random); });
  const double true_median = median(many);
  RankTest test;
  int median_held = 0, ratio_held = 0;
  for (int i = 0; i < kTrials; ++i) {
    const Samples base = draw_many(GetParam().draw, GetParam().samples, random);
    Samples fresh = draw_many(GetParam().draw, GetParam().samples, random);
    for (double& sample : fresh) sample *= kFactor;
    const auto of_median = median_interval(base);
    const auto of_ratio = test.ratio_interval(base, fresh);
    ASSERT_TRUE(of_median && of_ratio);
    median_held += of_median->low <= true_median && true_median <= of_median->high ? 1 : 0;
    const bool low_holds = of_ratio->low <= kFactor * (1 + 1e-12), high_holds = kFactor * (1 - 1e-12) <= of_ratio->high;
    ratio_held += low_holds && high_holds ? 1 : 0;
  }
  // one standard error of what is counted is 0.5 %
  EXPECT_GE(median_held, kTrials * 0.945);
  EXPECT_GE(ratio_held, kTrials * 0.945);
}
INSTANTIATE_TEST_SUITE_P(Trials, Intervals,
                         testing::Values(TrialCase{"Normal10", normal, 10}, TrialCase{"Lognormal10", lognormal, 10},
                                         TrialCase{"Tied10", tied, 10}, TrialCase{"Lognormal30", lognormal, 30}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(NormalApproximation, IsNearThePermutationDistributionOfLargeTiedSamples) {
  std::mt19937_64 random(3);
  RankTest test;
  for (int i = 0; i < 5; ++i) {
    const Samples base = draw_many(tied, 40, random);
    Samples fresh = draw_many(tied, 40, random);
    for (int shifted = 0; shifted < 2 * i; ++shifted) fresh[static_cast<std::size_t>(shifted)] += 1;
    const auto u_of = [](const Samples& one, std::size_t from) {
      double u = 0;
      for (std::size_t a = 0; a < from; ++a) {
        for (std::size_t b = from; b < one.size(); ++b) u += one[a] > one[b] ? 1 : one[a] == one[b] ? 0.5 : 0;
      }
      return u;
    };
    Samples all = base;
    all.insert(all.end(), fresh.begin(), fresh.end());
    const double observed = u_of(all, 40);
    int below = 0, above = 0;
    constexpr int kShuffles = 3000;
    for (int s = 0; s < kShuffles; ++s) {
      std::shuffle(all.begin(), all.end(), random);
      const double u = u_of(all, 40);
      below += u <= observed ? 1 : 0;
      above += u >= observed ? 1 : 0;
    }
    const double p = std::min(1.0, 2.0 * std::min(below, above) / kShuffles);
    EXPECT_NEAR(test.p_value(base, fresh), p, 0.01 + 0.1 * p);
  }
}

}  // namespace
}  // namespace poolscope::compare
