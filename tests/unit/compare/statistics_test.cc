#include "agent/compare/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolscope::compare {
namespace {

using testing::DoubleNear;
using testing::Pointwise;
using Samples = std::vector<double>;

Samples one_to(std::size_t n) {
  Samples samples(n);
  std::iota(samples.begin(), samples.end(), 1.0);
  return samples;
}

// Without ties, so that `u` of the pairs have a smaller fresh one.
std::pair<Samples, Samples> samples_with_u(std::size_t n1, std::size_t n2, std::size_t u) {
  Samples fresh;
  for (std::size_t i = 0; i < n2; ++i) {
    const double n = static_cast<double>(n1), k = static_cast<double>(i);
    const std::size_t below = std::min(u, n1);
    u -= below;
    fresh.push_back(below == n1 ? -k : n - static_cast<double>(below) + 0.5 + (below == 0 ? 1 + k : 0));
  }
  return {one_to(n1), fresh};
}

double p_of(const Samples& base, const Samples& fresh) {
  return RankTest().p_value(base, fresh);
}

// What the definition says, by trying every way to tell `base` from `fresh`: twice the smaller tail of the sum of mid-ranks.
double p_by_permutation(const Samples& base, const Samples& fresh) {
  Samples all = base;
  all.insert(all.end(), fresh.begin(), fresh.end());
  const auto u_of = [&](unsigned chosen) {
    double u = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t j = 0; j < all.size(); ++j) {
        if ((chosen >> i & 1) == 1 && (chosen >> j & 1) == 0) u += all[i] > all[j] ? 1 : all[i] == all[j] ? 0.5 : 0;
      }
    }
    return u;
  };
  const unsigned observed = (1u << base.size()) - 1;
  const double u = u_of(observed);
  double ways = 0, below = 0, above = 0;
  for (unsigned chosen = 0; chosen < 1u << all.size(); ++chosen) {
    if (static_cast<std::size_t>(__builtin_popcount(chosen)) != base.size()) continue;
    ++ways;
    below += u_of(chosen) <= u ? 1 : 0;
    above += u_of(chosen) >= u ? 1 : 0;
  }
  return std::min(1.0, 2 * std::min(below, above) / ways);
}

TEST(Median, IsTheMiddleOrTheMeanOfBothMiddleSamples) {
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({9, 1, 3}), 3);
  EXPECT_EQ(median({9, 1, 3, 4}), 3.5);
}

// Orders of the limits at 95 %, Hollander & Wolfe, table A.2 (sign test); the first six of benchstat's TestSummaryNone.
struct OrderCase {
  std::size_t samples;
  double low, high;
};
class MedianInterval : public testing::TestWithParam<OrderCase> {};
TEST_P(MedianInterval, TakesTheTabledOrderStatistics) {
  const auto interval = median_interval(one_to(GetParam().samples));
  ASSERT_TRUE(interval);
  EXPECT_EQ(*interval, (Interval{GetParam().low, GetParam().high}));
}
INSTANTIATE_TEST_SUITE_P(Table, MedianInterval,
                         testing::Values(OrderCase{6, 1, 6}, OrderCase{8, 1, 8}, OrderCase{9, 2, 8},
                                         OrderCase{10, 2, 9}, OrderCase{12, 3, 10}, OrderCase{15, 4, 12},
                                         OrderCase{20, 6, 15}, OrderCase{25, 8, 18}, OrderCase{30, 10, 21}));

TEST(MedianInterval, NeedsSixSamples) {
  EXPECT_FALSE(median_interval(one_to(5)));
  EXPECT_EQ(samples_for_interval(), 6u);
}

// Mann & Whitney 1947, table I: P(U <= u).
struct TailCase {
  std::size_t n;
  std::size_t u;
  double tail;
};
class MannWhitneyTable : public testing::TestWithParam<TailCase> {};
TEST_P(MannWhitneyTable, IsMet) {
  const auto [base, fresh] = samples_with_u(GetParam().n, GetParam().n, GetParam().u);
  EXPECT_NEAR(p_of(base, fresh), 2 * GetParam().tail, 0.001);
  EXPECT_NEAR(p_of(fresh, base), 2 * GetParam().tail, 0.001);
}
INSTANTIATE_TEST_SUITE_P(Published, MannWhitneyTable,
                         testing::Values(TailCase{3, 0, 0.050}, TailCase{4, 0, 0.014}, TailCase{4, 1, 0.029},
                                         TailCase{4, 2, 0.057}, TailCase{4, 4, 0.171}, TailCase{4, 6, 0.343},
                                         TailCase{5, 0, 0.004}, TailCase{5, 2, 0.016}, TailCase{5, 4, 0.048},
                                         TailCase{5, 6, 0.111}));

// The largest U that is significant at 0.05, two-sided, as textbooks print it.
struct CriticalCase {
  std::size_t n1, n2, u;
};
class CriticalValue : public testing::TestWithParam<CriticalCase> {};
TEST_P(CriticalValue, SeparatesSignificantFromNot) {
  const auto [n1, n2, u] = GetParam();
  const auto [base, fresh] = samples_with_u(n1, n2, u);
  EXPECT_LE(p_of(base, fresh), kAlpha);
  const auto [same, nearer] = samples_with_u(n1, n2, u + 1);
  EXPECT_GT(p_of(same, nearer), kAlpha);
}
INSTANTIATE_TEST_SUITE_P(Published, CriticalValue,
                         testing::Values(CriticalCase{4, 4, 0}, CriticalCase{5, 5, 2}, CriticalCase{6, 6, 5},
                                         CriticalCase{7, 7, 8}, CriticalCase{8, 8, 13}, CriticalCase{9, 9, 17},
                                         CriticalCase{10, 10, 23}, CriticalCase{12, 12, 37}, CriticalCase{15, 15, 64},
                                         CriticalCase{20, 20, 127}, CriticalCase{3, 5, 0}, CriticalCase{5, 8, 6},
                                         CriticalCase{10, 20, 55}));

// golang.org/x/perf/benchmath, TestCompareNone.
TEST(MannWhitney, AgreesWithBenchstatOnTies) {
  EXPECT_NEAR(p_of({-1, -1, -1}, {1, 1, 1}), 0.1, 1e-12);
  EXPECT_NEAR(p_of({-1, -1, -1, -1}, {1, 1, 1, 1}), 0.02857142857142857, 1e-12);
  EXPECT_NEAR(p_of({1, -1, -1, -1}, {-1, 1, 1, 1}), 0.4857142857142857, 1e-12);
  EXPECT_EQ(p_of({1, 1, 1, 1}, {1, 1, 1, 1}), 1);
}

// ns/op of the example in the documentation of benchstat.
TEST(MannWhitney, AgreesWithTheDocumentedExampleOfBenchstat) {
  const Samples gob_old = {3069, 3075, 3069, 3067, 3207, 3064, 3064, 3058, 3059, 3062};
  const Samples gob_new = {3075, 3065, 3059, 3065, 3060, 3081, 3186, 3135, 3087, 3062};
  EXPECT_NEAR(p_of(gob_old, gob_new), 0.446, 0.0005);
}

TEST(MannWhitney, IsThePermutationTestOfSmallSamples) {
  const std::vector<std::pair<Samples, Samples>> cases = {{{1, 2, 3}, {4, 5}},
                                                          {{1, 5, 2}, {3, 4, 6, 0}},
                                                          {{1, 1, 2, 2}, {2, 3, 3, 1}},
                                                          {{1, 1, 1, 1, 7}, {1, 1, 2}},
                                                          {{0, 0, 0, 0, 1}, {0, 1, 1, 1, 1}},
                                                          {{2, 2, 2, 3, 3, 9}, {2, 3, 3, 3, 9, 9}},
                                                          {{5}, {5, 6, 7, 8, 8, 8}},
                                                          {{1, 3, 5, 7, 9, 11}, {2, 4, 6, 8, 10, 12}}};
  for (const auto& [base, fresh] : cases) {
    EXPECT_NEAR(p_of(base, fresh), p_by_permutation(base, fresh), 1e-12)
        << testing::PrintToString(base) << testing::PrintToString(fresh);
  }
}

TEST(MannWhitney, IsContinuedByTheNormalApproximation) {
  for (const std::size_t u : {180u, 220u, 260u, 300u}) {
    const auto [base, fresh] = samples_with_u(25, 25, u);
    const auto [more_base, more_fresh] = samples_with_u(26, 25, u + (26 * 25 - 25 * 25) / 2);
    EXPECT_NEAR(p_of(base, fresh), p_of(more_base, more_fresh), 0.02) << u;
  }
}

TEST(NeededSamples, AreThoseOfBenchstat) {
  EXPECT_EQ(samples_for_difference(1), 1u);
  EXPECT_EQ(samples_for_difference(0.05), 4u);
  EXPECT_EQ(samples_for_difference(0.01), 5u);
  EXPECT_NEAR(smallest_p(3, 3), 0.1, 1e-12);
  EXPECT_NEAR(smallest_p(9, 9), 4.113533525298231e-05, 1e-15);
}

TEST(RatioInterval, IsMadeOfThePairwiseRatios) {
  // 16 ratios; at 4 + 4 samples only U = 0 is significant, so all of them are inside
  const auto interval = RankTest().ratio_interval(Samples{1, 2, 4, 5}, Samples{10, 20, 40, 50});
  ASSERT_TRUE(interval);
  EXPECT_EQ(*interval, (Interval{2, 50}));
}

TEST(RatioInterval, LeavesOut1ExactlyWhenTheTestRejects) {
  for (std::size_t u = 0; u <= 50; ++u) {
    auto [base, fresh] = samples_with_u(10, 10, u);
    for (double& value : base) value += 20;
    for (double& value : fresh) value += 20;
    const auto interval = RankTest().ratio_interval(base, fresh);
    ASSERT_TRUE(interval);
    EXPECT_EQ(interval->low > 1, p_of(base, fresh) <= kAlpha) << u;
  }
}

TEST(RatioInterval, OfDifferentConstantsIsTheirRatio) {
  EXPECT_EQ(RankTest().ratio_interval(Samples(5, 232.0), Samples(5, 116.0)), (Interval{0.5, 0.5}));
  EXPECT_EQ(RankTest().ratio_interval(Samples(5, 4096.0), Samples(5, 0.0)), (Interval{0, 0}));
}

TEST(RatioInterval, IsAbsentWithTooFewSamplesOrWithoutRatios) {
  EXPECT_FALSE(RankTest().ratio_interval(one_to(3), one_to(3)));
  EXPECT_FALSE(RankTest().ratio_interval(Samples{0, 1, 2, 3, 4, 5}, one_to(6)));
  EXPECT_FALSE(RankTest().ratio_interval(one_to(6), Samples{-1, 1, 2, 3, 4, 5}));
}

TEST(Holm, MultipliesBySizeOfWhatIsLeftAndNeverFalls) {
  EXPECT_THAT(holm(std::vector<double>{0.01, 0.04, 0.03, 0.005}),
              Pointwise(DoubleNear(1e-12), {0.03, 0.06, 0.06, 0.02}));
  EXPECT_THAT(holm(std::vector<double>{0.9, 0.8}), testing::ElementsAre(1, 1));
  EXPECT_THAT(holm(std::vector<double>{}), testing::IsEmpty());
}

TEST(GeometricMean, IsTheRootOfTheProduct) {
  EXPECT_NEAR(*geometric_mean(std::vector<double>{2, 8}), 4, 1e-12);
  EXPECT_FALSE(geometric_mean(std::vector<double>{}));
}

TEST(LagOneCorrelation, TellsATrendFromAlternation) {
  EXPECT_GT(*lag_one_correlation(one_to(20)), 0.8);
  EXPECT_LT(*lag_one_correlation(Samples{1, 9, 1, 9, 1, 9, 1, 9}), -0.8);
  EXPECT_FALSE(lag_one_correlation(Samples{1, 1, 1, 1, 1}));
  EXPECT_FALSE(lag_one_correlation(Samples{1, 2, 3}));
}

TEST(Estimates, OfWhichBothIntervalsAreNarrowDiffer) {
  const auto result = compare_estimates({100, 98, 102}, {110, 108, 112});
  ASSERT_TRUE(result && result->ratio);
  EXPECT_LT(result->p, 0.001);
  EXPECT_GT(result->ratio->low, 1.05);
  EXPECT_LT(result->ratio->high, 1.15);
}

TEST(Estimates, HaveAPOf5PercentWhereTheIntervalOfTheirRatioBeginsAt1) {
  // on the logarithm both reach equally far: the ratio is significant where it is sqrt(2) times as far from 1
  const double reach = 0.1, shift = reach * std::sqrt(2.0);
  const auto at = [&](double middle) {
    return model::Estimate{std::exp(middle), std::exp(middle - reach), std::exp(middle + reach)};
  };
  const auto result = compare_estimates(at(0), at(shift));
  ASSERT_TRUE(result && result->ratio);
  EXPECT_NEAR(result->p, 0.05, 1e-9);
  EXPECT_NEAR(result->ratio->low, 1, 1e-9);
}

TEST(Estimates, ThatReach0AreComparedByTheirDifference) {
  const auto result = compare_estimates({10, 0, 20}, {11, 1, 21});
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->ratio);
  EXPECT_GT(result->p, 0.8);
}

TEST(Estimates, WithoutAnIntervalAreNotCompared) {
  EXPECT_FALSE(compare_estimates({10, {}, {}}, {11, 1, 21}));
  EXPECT_FALSE(compare_estimates({10, 9, 11}, {11, 10, {}}));
}

}  // namespace
}  // namespace poolscope::compare
