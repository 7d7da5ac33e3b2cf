#include "ui/model/overview.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ui/make_state.h"

namespace poolscope::viewer {
namespace {

using testing::HasSubstr;
using viewer_test::live_state;
using viewer_test::small_snapshot;

model::Advice advice_on(const std::string& pool, double saved_ratio, model::Verdict verdict = model::Verdict::kChange) {
  model::Advice advice;
  advice.subject = pool;
  advice.kind = "max_idle_buffers";
  advice.verdict = verdict;
  advice.unit = "buffers";
  advice.current = 4;
  advice.recommended = 48;
  advice.why = "it misses 31 % of its gets";
  advice.saved_cpu_ratio = model::Estimate{saved_ratio, {}, {}};
  return advice;
}

model::Snapshot with_pools(std::initializer_list<std::pair<const char*, double>> gets) {
  model::Snapshot snapshot = small_snapshot(10);
  const model::PoolSummary pool = snapshot.targets[0].pools[0];
  snapshot.targets[0].pools.clear();
  for (const auto& [name, rate] : gets) {
    snapshot.targets[0].pools.push_back(pool);
    snapshot.targets[0].pools.back().name = name;
    snapshot.targets[0].pools.back().gets_per_second = model::Estimate{rate, {}, {}};
  }
  return snapshot;
}

TEST(Overview, IsEmptyWithoutData) {
  const Overview overview = make_overview(ViewerState());
  EXPECT_TRUE(overview.targets.empty());
  EXPECT_EQ(overview.headline, "");
  EXPECT_TRUE(list_pools(ViewerState()).rows.empty());
}

TEST(Overview, SaysThatNothingIsMeasured) {
  model::Snapshot snapshot;
  snapshot.time_unix_ns = viewer_test::kStart;
  snapshot.targets.emplace_back().name = "idle";
  EXPECT_EQ(make_overview(live_state(snapshot)).headline, "Nothing is measured yet.");
}

TEST(Overview, SaysThatItIsTooEarly) {
  model::Snapshot snapshot = small_snapshot(10);
  snapshot.targets[0].advice = {advice_on("main.buffers", 0, model::Verdict::kWait)};
  EXPECT_EQ(make_overview(live_state(snapshot)).headline, "Too early to tell.");
}

TEST(Overview, SaysThatNothingHasToChange) {
  model::Snapshot snapshot = small_snapshot(10);
  snapshot.targets[0].advice = {advice_on("main.buffers", 0, model::Verdict::kKeep)};
  const Overview overview = make_overview(live_state(snapshot));
  EXPECT_EQ(overview.headline, "Nothing to change.");
  EXPECT_TRUE(overview.advice.empty());
}

TEST(Overview, AddsUpWhatAdviceSaves) {
  model::Snapshot snapshot = with_pools({{"a", 1}, {"b", 2}});
  snapshot.targets[0].advice = {advice_on("a", 0.02), advice_on("b", 0.04)};
  const Overview overview = make_overview(live_state(snapshot));
  EXPECT_EQ(overview.headline, "2 things to change: saves up to 3 % of a core.") << "the target uses half a core";
  ASSERT_EQ(overview.advice.size(), 2u);
  EXPECT_EQ(overview.advice[0].subject.pool, "b") << "the greater saving first";
}

TEST(Overview, PutsWhatIsBrokenFirst) {
  model::Snapshot snapshot = with_pools({{"a", 1}, {"b", 2}});
  snapshot.targets[0].advice = {advice_on("a", 0.5), advice_on("b", 0, model::Verdict::kFix)};
  EXPECT_EQ(make_overview(live_state(snapshot)).advice[0].subject.pool, "b");
}

TEST(Overview, SaysWhyAQuantityIsAbsent) {
  model::Snapshot snapshot = small_snapshot(10);
  snapshot.targets[0].runtime = "native";
  snapshot.targets[0].collectors = {
      {"cpu_share", "L1", model::CollectorState::kUnavailable, "no_perf", "perf events are not permitted"}};
  const TargetTile tile = make_overview(live_state(snapshot)).targets[0];
  const auto share = std::ranges::find(tile.sparks, "CPU on memory", &Spark::name);
  ASSERT_NE(share, tile.sparks.end());
  EXPECT_EQ(share->now.text, "–");
  EXPECT_THAT(share->now.tooltip, HasSubstr("perf events are not permitted"));
  EXPECT_TRUE(share->series.empty());
}

TEST(Overview, HasASeriesOfWhatIsMeasured) {
  const TargetTile tile = make_overview(live_state(small_snapshot(10), 30)).targets[0];
  EXPECT_EQ(tile.sparks[0].series.samples.size(), 30u);
  EXPECT_EQ(tile.sparks[0].now.text, "10/s");
  EXPECT_EQ(tile.sparks[0].now.tooltip, "10/s, 95 % interval 9/s – 11/s");
}

TEST(Overview, TakesTheAdviceOfTheNewestSnapshotForARange) {
  model::Snapshot snapshot = small_snapshot(10);
  snapshot.targets[0].advice = {advice_on("main.buffers", 0.02)};
  ViewerState state = live_state(snapshot, 200);
  state.move_time([](TimeAxis& time) { time.pan(-0.3); });
  Delivery answer;
  answer.range = RangeAnswer{*state.take_question(), viewer_test::share(small_snapshot(7)), ""};
  state.take(std::move(answer));
  EXPECT_EQ(make_overview(state).advice.size(), 1u);
}

TEST(ListPools, ComeByWhatTheyWouldGainThenByGets) {
  model::Snapshot snapshot = with_pools({{"busy", 1000}, {"calm", 10}, {"gains", 5}, {"gains more", 1}});
  snapshot.targets[0].advice = {advice_on("gains", 0.01), advice_on("gains more", 0.02)};
  const PoolList list = list_pools(live_state(snapshot));
  std::vector<std::string> names;
  for (const Subject& subject : list.subjects) names.push_back(subject.pool);
  EXPECT_THAT(names, testing::ElementsAre("gains more", "gains", "busy", "calm"));
  EXPECT_EQ(list.rows[0].id, "shop.gains more");
  EXPECT_THAT(list.rows[0].cells[pool_columns::kGain].text, HasSubstr("max_idle_buffers"));
}

TEST(ListPools, SaysWhyNothingIsAdvised) {
  model::Snapshot snapshot = small_snapshot(10);
  snapshot.targets[0].advice = {advice_on("main.buffers", 0, model::Verdict::kKeep)};
  EXPECT_EQ(list_pools(live_state(snapshot)).rows[0].cells[pool_columns::kGain].tooltip, "it misses 31 % of its gets");
}

}  // namespace
}  // namespace poolscope::viewer
