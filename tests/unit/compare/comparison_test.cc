#include "agent/compare/comparison.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compare/make_series.h"

namespace poolscope::compare {
namespace {

using testing::around;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::series;
using testing::side;

Comparison compared(const Measurements& base, const Measurements& fresh, const std::vector<Pair>& pairs = {}) {
  auto comparison = compare(base, fresh, pairs);
  EXPECT_TRUE(comparison) << comparison.error();
  return comparison ? std::move(comparison).value() : Comparison{};
}

Row row_of(std::vector<double> base, std::vector<double> fresh, const std::string& metric = "sec/op") {
  return compared(side({series("X", metric, std::move(base))}), side({series("X", metric, std::move(fresh))}))
      .rows.at(0);
}

TEST(Compare, FindsThatTimesFell) {
  const Row row = row_of(around(100), around(80));
  EXPECT_EQ(row.finding, Finding::kBetter);
  EXPECT_NEAR(*row.ratio, 0.8, 1e-9);
  EXPECT_GT(row.ratio_interval->low, 0.75);
  EXPECT_LT(row.ratio_interval->high, 0.85);
}

TEST(Compare, FindsThatRatesFell) {
  EXPECT_EQ(row_of(around(100), around(80), "B/s").finding, Finding::kWorse);
}

TEST(Compare, DoesNotSayWhichIsBetterOfAnUnknownMetric) {
  EXPECT_EQ(row_of(around(100), around(80), "widgets").finding, Finding::kDifferent);
}

TEST(Compare, FindsNothingWhereSamplesOverlap) {
  const Row row = row_of(around(100), around(100.1));
  EXPECT_EQ(row.finding, Finding::kNone);
  EXPECT_LT(row.ratio_interval->low, 1);
  EXPECT_GT(row.ratio_interval->high, 1);
}

TEST(Compare, DoesNotTestEqualSamples) {
  const Row row = row_of({3, 3, 3, 3}, {3, 3, 3, 3});
  EXPECT_EQ(row.finding, Finding::kUntested);
  EXPECT_EQ(row.untested, Untested::kAllEqual);
  EXPECT_EQ(row.ratio_interval, (Interval{1, 1}));
  EXPECT_EQ(row_of({0, 0, 0, 0}, {0, 0, 0, 0}).ratio, 1);
}

TEST(Compare, DoesNotTestTooFewSamples) {
  for (const auto& fresh : {std::vector<double>{50, 51, 52}, std::vector<double>{100, 100, 100}}) {
    const Row row = row_of({100, 100, 100}, fresh);
    EXPECT_EQ(row.finding, Finding::kUntested);
    EXPECT_EQ(row.untested, Untested::kTooFewSamples);
    EXPECT_FALSE(row.ratio_interval);
    EXPECT_FALSE(row.p);
  }
}

TEST(Compare, KnowsWhatFellToZero) {
  const Row row = row_of(std::vector<double>(6, 4096), std::vector<double>(6, 0), "B/op");
  EXPECT_EQ(row.finding, Finding::kBetter);
  EXPECT_EQ(row.ratio, 0);
  EXPECT_EQ(row.ratio_interval, (Interval{0, 0}));
}

TEST(Compare, HasNoRatioToZero) {
  const Row row = row_of(std::vector<double>(6, 0), std::vector<double>(6, 128), "B/op");
  EXPECT_EQ(row.finding, Finding::kWorse);
  EXPECT_FALSE(row.ratio);
}

TEST(Compare, CorrectsForAllRowsThatCouldDiffer) {
  // alone p is 0.03; beside another test it is 0.06; what cannot be significant does not count
  const std::vector<double> low = {1, 2, 3, 4}, high = {5, 6, 7, 8};
  EXPECT_EQ(row_of(low, high).finding, Finding::kWorse);
  const auto two =
      compared(side({series("X", "sec/op", low), series("Y", "sec/op", low), series("Z", "sec/op", {1, 1, 1, 1})}),
               side({series("X", "sec/op", high), series("Y", "sec/op", low), series("Z", "sec/op", {1, 1, 1, 1})}));
  EXPECT_EQ(two.tested_rows, 2u);
  EXPECT_NEAR(*two.rows[0].p_holm, 2 * 2.0 / 70, 1e-9);
  EXPECT_EQ(two.rows[0].finding, Finding::kNone);
}

TEST(Compare, IntervalsHoldTheRatioThatIsShown) {
  // the medians fall while most pairs rise: two clusters
  const Row row = row_of({1, 1.1, 1.2, 9, 9.1, 9.2, 9.3}, {1.3, 1.4, 1.5, 1.6, 9.4, 9.5, 9.6});
  EXPECT_LE(row.ratio_interval->low, *row.ratio);
  EXPECT_GE(row.ratio_interval->high, *row.ratio);
}

TEST(Compare, PutsRowsOfAMetricTogetherAndTakesTheirGeometricMean) {
  const auto comparison = compared(
      side({series("X", "sec/op", around(100)), series("X", "B/op", around(10)), series("Y", "sec/op", around(100))}),
      side({series("X", "sec/op", around(50)), series("X", "B/op", around(10)), series("Y", "sec/op", around(200))}));
  ASSERT_EQ(comparison.rows.size(), 3u);
  EXPECT_EQ(comparison.rows[1].name, "Y");
  ASSERT_EQ(comparison.means.size(), 1u);
  EXPECT_NEAR(comparison.means[0].ratio, 1, 1e-9);
}

TEST(Compare, LeavesRatiosOf0OutOfTheGeometricMean) {
  const std::vector<double> zeros(6, 0);
  const auto comparison = compared(
      side({series("X", "B/op", around(100)), series("Y", "B/op", around(100)), series("Z", "B/op", around(100))}),
      side({series("X", "B/op", around(50)), series("Y", "B/op", around(50)), series("Z", "B/op", zeros)}));
  ASSERT_EQ(comparison.means.size(), 1u);
  EXPECT_NEAR(comparison.means[0].ratio, 0.5, 1e-9);
  EXPECT_EQ(comparison.means[0].left_out, 1u);
}

TEST(Compare, ListsWhatOnlyOneSideHas) {
  const auto comparison = compared(side({series("X", "sec/op", {1}), series("Old", "sec/op", {1})}),
                                   side({series("X", "sec/op", {1}), series("New", "sec/op", {1})}));
  EXPECT_THAT(comparison.only_base, ElementsAre("Old sec/op"));
  EXPECT_THAT(comparison.only_fresh, ElementsAre("New sec/op"));
}

TEST(Compare, PutsConfigurationThatVariesIntoNames) {
  const auto base = side({series("X", "sec/op", {1}, {{"pkg", "a"}})});
  const auto fresh = side({series("X", "sec/op", {1}, {{"pkg", "a"}}), series("X", "sec/op", {2}, {{"pkg", "b"}})});
  const auto comparison = compared(base, fresh);
  ASSERT_EQ(comparison.rows.size(), 1u);
  EXPECT_EQ(comparison.rows[0].name, "X [pkg=a]");
  EXPECT_THAT(comparison.only_fresh, ElementsAre("X [pkg=b] sec/op"));
}

TEST(Compare, SaysWhenLikeIsNotComparedWithLike) {
  const auto comparison = compared(side({series("X", "sec/op", {1}, {{"cpu", "A"}, {"goos", "linux"}})}),
                                   side({series("X", "sec/op", {1}, {{"cpu", "B"}, {"goos", "linux"}})}));
  EXPECT_THAT(comparison.remarks, ElementsAre(HasSubstr("cpu is `A` in BASE and `B` in NEW")));
}

TEST(Compare, ComparesPairsOfDifferentNamesAndNothingElse) {
  const auto run = side({series("Baseline", "sec/op", around(100)), series("Pool", "sec/op", around(50)),
                         series("Z", "sec/op", around(1))});
  const auto comparison = compared(run, run, {{"Baseline", "Pool"}});
  ASSERT_EQ(comparison.rows.size(), 1u);
  EXPECT_EQ(comparison.rows[0].name, "Baseline → Pool");
  EXPECT_NEAR(*comparison.rows[0].ratio, 0.5, 1e-9);
}

TEST(Compare, RefusesAPairOfUnknownNames) {
  const auto run = side({series("Baseline", "sec/op", {1})});
  const auto comparison = compare(run, run, {{"Baseline", "Baselin"}});
  ASSERT_FALSE(comparison);
  EXPECT_EQ(comparison.error(), "NEW has no `Baselin`; did you mean `Baseline`?");
}

TEST(Compare, RefusesDifferentKinds) {
  const auto comparison =
      compare(side({series("X", "sec/op", {1})}), side({series("X", "sec/op", {1})}, SourceKind::kGoogleBenchmark));
  ASSERT_FALSE(comparison);
  EXPECT_THAT(comparison.error(), HasSubstr("like is compared with like"));
}

TEST(Compare, RefusesSidesWithoutACommonBenchmarkAndSaysTheWayOut) {
  const auto comparison = compare(side({series("X", "sec/op", {1})}), side({series("Y", "sec/op", {1})}));
  ASSERT_FALSE(comparison);
  EXPECT_THAT(comparison.error(), HasSubstr("--pair"));
}

TEST(Compare, TestsEstimatesByTheirIntervals) {
  const auto report = [](model::Estimate estimate) {
    return side({{"shop", {}, metric_named("hit_ratio"), {}, estimate}}, SourceKind::kReport);
  };
  const Row rose = compared(report({0.5, 0.48, 0.52}), report({0.9, 0.88, 0.92})).rows.at(0);
  EXPECT_EQ(rose.finding, Finding::kBetter);
  const Row unknown = compared(report({0.5, {}, {}}), report({0.9, 0.88, 0.92})).rows.at(0);
  EXPECT_EQ(unknown.finding, Finding::kUntested);
  EXPECT_EQ(unknown.untested, Untested::kNoInterval);
}

TEST(Compare, NoticesSamplesOfARecordingThatAreLikeTheirNeighbours) {
  std::vector<double> drifting, steady = {5, 3, 6, 2, 5, 4, 6, 3, 5, 2, 6, 4};
  for (int i = 0; i < 12; ++i) drifting.push_back(100 + i);
  const auto recording = [](std::vector<double> samples) {
    return side({series("shop", "sec/op", std::move(samples))}, SourceKind::kRecording);
  };
  EXPECT_TRUE(compared(recording(drifting), recording(steady)).rows[0].neighbours_alike);
  EXPECT_FALSE(compared(recording(steady), recording(steady)).rows[0].neighbours_alike);
}

}  // namespace
}  // namespace poolscope::compare
