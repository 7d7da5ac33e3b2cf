#include "ui/model/overview.h"

#include <algorithm>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ui/make_state.h"
#include "ui/model/pool_list.h"

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

TargetTile first_tile(const ViewerState& state) {
  return make_tile(state, state.shown()->targets.at(0));
}

// As the table of all columns shows them.
std::vector<Row> rows_of(const ViewerState& state) {
  Table table = make_pool_table();
  std::vector<std::size_t> columns(pool_columns::kCount);
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  table.set_rows(pool_rows(list_pools(state), columns));
  std::vector<Row> rows;
  for (const std::size_t index : table.shown()) rows.push_back(table.row(index));
  return rows;
}

TEST(Overview, IsEmptyWithoutData) {
  const Overview overview = make_overview(ViewerState());
  EXPECT_EQ(overview.headline, "");
  EXPECT_TRUE(list_pools(ViewerState())->pools.empty());
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
  const TargetTile tile = first_tile(live_state(snapshot));
  const auto share = std::ranges::find(tile.sparks, "memory CPU", &Spark::name);
  ASSERT_NE(share, tile.sparks.end());
  EXPECT_EQ(share->now.text, "–");
  EXPECT_THAT(share->now.tooltip, HasSubstr("perf events are not permitted"));
  EXPECT_TRUE(share->series.empty());
}

TEST(Overview, HasASeriesOfWhatIsMeasured) {
  const TargetTile tile = first_tile(live_state(small_snapshot(10), 30));
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
  std::vector<std::string> ids;
  const std::vector<Row> rows = rows_of(live_state(snapshot));
  for (const Row& row : rows) ids.push_back(row.id);
  EXPECT_THAT(ids, testing::ElementsAre("shop.gains more", "shop.gains", "shop.busy", "shop.calm"));
  EXPECT_THAT(rows[0].cells[pool_columns::kGain].text, HasSubstr("max_idle_buffers"));
}

TEST(ListPools, SaysWhyNothingIsAdvised) {
  model::Snapshot snapshot = small_snapshot(10);
  snapshot.targets[0].advice = {advice_on("main.buffers", 0, model::Verdict::kKeep)};
  EXPECT_EQ(rows_of(live_state(snapshot))[0].cells[pool_columns::kGain].tooltip, "it misses 31 % of its gets");
}

TEST(ListPools, SortAndFindByWhatTheirCellsSay) {
  model::Snapshot snapshot = with_pools({{"busy", 1000}, {"calm", 10}, {"unused", 5}});
  model::PoolSummary& unused = snapshot.targets[0].pools[2];
  unused.gets_per_second = unused.hit_ratio = unused.misses_per_second = std::nullopt;
  unused.idle = unused.idle_bytes = std::nullopt;
  snapshot.targets[0].pools[1].idle_bytes = std::nullopt;
  snapshot.targets[0].advice = {advice_on("calm", 0.01)};
  const ViewerState state = live_state(snapshot);
  const auto list = list_pools(state);
  const RowMaker maker = pool_rows(list, {0, 1, 2, 3, 4, 5, 6});
  for (std::size_t row = 0; row < maker.count; ++row) {
    const Row made = maker.make(row);
    for (std::size_t column = 0; column < pool_columns::kCount; ++column) {
      EXPECT_EQ(maker.number(row, column), made.cells[column].number) << made.id << " " << column;
      const std::string text = maker.text(row, column);
      EXPECT_TRUE(text.empty() || text == made.cells[column].text)
          << text << " is shown as " << made.cells[column].text;
    }
  }
}

TEST(Overview, ShowsTheFirstCardsAndCountsTheOthers) {
  model::Snapshot snapshot = small_snapshot(10);
  for (std::size_t i = 0; i < kMostCards + 3; ++i)
    snapshot.targets[0].advice.push_back(advice_on("pool" + std::to_string(i), 0.01));
  const Overview overview = make_overview(live_state(snapshot));
  EXPECT_EQ(overview.advice.size(), kMostCards);
  EXPECT_EQ(overview.left_out, 3u);
  EXPECT_THAT(overview.headline, testing::StartsWith("15 things to change"));
}

}  // namespace
}  // namespace poolscope::viewer
