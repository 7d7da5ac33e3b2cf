#include "agent/compare/snapshot_series.h"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolscope::compare {
namespace {

model::Snapshot shop(double allocations_per_second, model::MaybeEstimate hit_ratio = std::nullopt) {
  model::Snapshot snapshot;
  auto& target = snapshot.targets.emplace_back();
  target.name = "shop";
  target.allocations.per_second =
      model::Estimate{allocations_per_second, allocations_per_second - 1, allocations_per_second + 1};
  auto& pool = target.pools.emplace_back();
  pool.name = "main.pages";
  pool.hit_ratio = hit_ratio;
  return snapshot;
}

const Series* find(const Measurements& all, const std::string& name, const std::string& metric) {
  const auto found = std::ranges::find_if(
      all.series, [&](const Series& each) { return each.name == name && each.metric.name == metric; });
  return found == all.series.end() ? nullptr : &*found;
}

TEST(SeriesOfReport, AreItsEstimatesWithTheirIntervals) {
  const auto all = series_of_report(shop(100, model::Estimate{0.9, 0.8, 0.95}), "a.json");
  EXPECT_EQ(all.series.size(), 2u) << "what was not measured is no series";
  const Series* rate = find(all, "shop", "allocations_per_second");
  ASSERT_NE(rate, nullptr);
  EXPECT_EQ(rate->estimate, (model::Estimate{100, 99, 101}));
  EXPECT_TRUE(rate->samples.empty());
  const Series* hits = find(all, "shop pool main.pages", "hit_ratio");
  ASSERT_NE(hits, nullptr);
  EXPECT_EQ(hits->metric.better, Direction::kHigher);
}

TEST(SeriesOfPieces, HaveASamplePerPieceThatMeasuredTheMetric) {
  const std::vector<model::Snapshot> pieces = {shop(100), shop(101, model::Estimate{0.9, {}, {}}), shop(99)};
  const auto all = series_of_pieces(pieces, "a.poolscope");
  EXPECT_EQ(all.kind, SourceKind::kRecording);
  EXPECT_THAT(find(all, "shop", "allocations_per_second")->samples, testing::ElementsAre(100, 101, 99));
  EXPECT_THAT(find(all, "shop pool main.pages", "hit_ratio")->samples, testing::ElementsAre(0.9));
}

TEST(SeriesOfReport, KeepTargetsAndPoolsOfTheSameNameApart) {
  auto snapshot = shop(100, model::Estimate{0.9, {}, {}});
  snapshot.targets[0].pools.push_back(snapshot.targets[0].pools[0]);
  snapshot.targets.push_back(snapshot.targets[0]);
  const auto all = series_of_report(snapshot, "a.json");
  EXPECT_NE(find(all, "shop pool main.pages #2", "hit_ratio"), nullptr);
  EXPECT_NE(find(all, "shop #2", "allocations_per_second"), nullptr);
  EXPECT_NE(find(all, "shop #2 pool main.pages", "hit_ratio"), nullptr);
}

}  // namespace
}  // namespace poolscope::compare
