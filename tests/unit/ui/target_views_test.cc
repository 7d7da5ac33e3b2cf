// The models of churn, health, advice, garbage collection and comparison.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ui/make_state.h"
#include "ui/model/advice_view.h"
#include "ui/model/churn.h"
#include "ui/model/compare.h"
#include "ui/model/gc.h"
#include "ui/model/health.h"

namespace poolscope::viewer {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using viewer_test::kSecond;
using viewer_test::kStart;
using viewer_test::live_state;
using viewer_test::share;

model::Snapshot native_snapshot() {
  model::Snapshot snapshot;
  snapshot.time_unix_ns = kStart;
  snapshot.agent.boot_id = "boot";
  model::TargetSnapshot& target = snapshot.targets.emplace_back();
  target.name = "server";
  target.runtime = "native";
  target.cpu_seconds_per_second = 1;
  return snapshot;
}

model::CallSite site(const char* symbol, double share_ratio, double bytes, std::optional<double> short_lived) {
  model::CallSite made;
  made.symbol = symbol;
  made.share_ratio = share_ratio;
  made.per_second = model::Estimate{100, {}, {}};
  made.bytes_per_second = model::Estimate{100 * bytes, {}, {}};
  made.short_lived_ratio = short_lived;
  made.callers = {{"operator new", "", 0, ""}, {symbol, "", 0, ""}};
  return made;
}

TEST(ChosenTarget, IsTheFirstUntilOneIsChosenAndGoesAroundTheEnds) {
  model::Snapshot snapshot = native_snapshot();
  snapshot.targets.push_back(snapshot.targets[0]);
  snapshot.targets[1].name = "other";
  ViewerState state = live_state(snapshot);
  EXPECT_EQ(chosen_target(state)->name, "server");
  choose_next_target(state, -1);
  EXPECT_EQ(chosen_target(state)->name, "other");
  choose_next_target(state, 1);
  EXPECT_EQ(chosen_target(state)->name, "server");
  state.selected.target = "gone";
  EXPECT_EQ(chosen_target(state)->name, "server");
}

TEST(ChosenTarget, IsNoneWithoutData) {
  ViewerState state;
  choose_next_target(state, 1);
  EXPECT_EQ(chosen_target(state), nullptr);
}

TEST(UniqueIds, CountsWhatCameBefore) {
  UniqueIds unique;
  EXPECT_EQ(unique("a"), "a");
  EXPECT_EQ(unique("b"), "b");
  EXPECT_EQ(unique("a"), "a #2");
}

TEST(Spaced, LeavesOutWhatIsTooNearButNoBeginning) {
  const Series series{{{0, 1, {}, {}, true},
                       {2 * kSecond, 2, {}, {}, false},
                       {5 * kSecond, 3, {}, {}, false},
                       {6 * kSecond, 4, {}, {}, true}}};
  std::vector<double> values;
  for (const Sample& sample : spaced(series).samples) values.push_back(sample.value);
  EXPECT_THAT(values, testing::ElementsAre(1, 3, 4));
}

TEST(CallSites, AreSortedByTheNumbersThatTheirCellsShow) {
  const auto state = live_state(poolscope::test::realistic_snapshot());
  const Churn churn = make_churn(state);
  const RowMaker rows = site_rows(churn.sites);
  ASSERT_GT(rows.count, 0u);
  for (std::size_t row = 0; row < rows.count; ++row) {
    const Row made = rows.make(row);
    for (std::size_t column = 0; column < made.cells.size(); ++column)
      EXPECT_EQ(rows.number(row, column), made.cells[column].number) << made.id << " " << column;
    EXPECT_EQ(rows.text(row, 0), made.cells[0].text);
  }
}

TEST(ChurnModel, SaysWhyThereIsNothing) {
  const Churn churn = make_churn(live_state(native_snapshot()));
  EXPECT_THAT(churn.sites_note, HasSubstr("no collector alloc_bursts"));
  EXPECT_THAT(churn.map.absent, HasSubstr("no call site is known"));
  EXPECT_THAT(churn.lifetimes.absent, HasSubstr("alloc_cohorts"));
  EXPECT_THAT(churn.icicle.blocks, IsEmpty());
}

TEST(ChurnModel, PutsOnTheMapWhatHasASizeAndALifetime) {
  model::Snapshot snapshot = native_snapshot();
  snapshot.targets[0].call_sites = {site("known", 0.6, 64, 0.9), site("not followed", 0.4, 64, {})};
  const Churn churn = make_churn(live_state(snapshot));
  ASSERT_THAT(churn.map.discs, SizeIs(1));
  EXPECT_EQ(churn.map.discs[0].site, "known");
  EXPECT_DOUBLE_EQ(churn.map.discs[0].mean_bytes, 64);
  EXPECT_EQ(disc_text(churn.map.discs[0]), "known\nmean size 64 B\nfreed within 10 ms 90 %\n" +
                                               site_rows(churn.sites).make(0).cells[3].text + " allocated");
  EXPECT_DOUBLE_EQ(churn.map.discs[0].share, 1);
  EXPECT_THAT(churn.map.note, HasSubstr("1 not drawn"));
}

TEST(ChurnModel, AddsUpSitesOfOneCallerInTheIcicle) {
  model::Snapshot snapshot = native_snapshot();
  snapshot.targets[0].call_sites = {site("serve", 0.5, 64, {}), site("serve", 0.25, 64, {}),
                                    site("parse", 0.125, 64, {})};
  snapshot.targets[0].call_sites[1].callers[0].symbol = "malloc_wrapper";
  const Icicle icicle = make_churn(live_state(snapshot)).icicle;
  EXPECT_EQ(icicle.depth, 2u);
  ASSERT_THAT(icicle.blocks, SizeIs(5));
  EXPECT_EQ(icicle.blocks[0].name, "serve");
  EXPECT_DOUBLE_EQ(icicle.blocks[0].to, 0.75);
  EXPECT_EQ(icicle.blocks[3].name, "parse");
  EXPECT_DOUBLE_EQ(icicle.blocks[3].from, 0.75);
}

TEST(ChurnModel, SaysHowManyCallSitesItLeavesOut) {
  model::Snapshot snapshot = native_snapshot();
  snapshot.targets[0].call_sites.assign(kMostSites + 1, site("serve", 0.001, 64, {}));
  const Churn churn = make_churn(live_state(snapshot));
  EXPECT_THAT(churn.sites->sites, SizeIs(kMostSites));
  EXPECT_EQ(churn.sites_note, "the busiest 1 000 of 1 001");
}

struct ChargeCase {
  const char* name;
  std::optional<double> charged;
  Tone tone;
};
class BudgetGauge : public testing::TestWithParam<ChargeCase> {};
TEST_P(BudgetGauge, SaysWhetherTheBudgetHolds) {
  model::Snapshot snapshot = native_snapshot();
  snapshot.agent.budget_cpu_ratio = 0.01;
  snapshot.targets[0].cost.charged_cpu_ratio = GetParam().charged;
  const Health health = make_health(live_state(snapshot));
  EXPECT_EQ(health.gauges[0].tone, GetParam().tone);
  EXPECT_EQ(health.gauges[0].text.empty(), !GetParam().charged.has_value());
  EXPECT_NE(health.gauges[0].absent.empty(), !GetParam().charged.has_value());
}
INSTANTIATE_TEST_SUITE_P(Table, BudgetGauge,
                         testing::Values(ChargeCase{"Within", 0.004, Tone::kGood},
                                         ChargeCase{"NearTheEnd", 0.0095, Tone::kWarning},
                                         ChargeCase{"Over", 0.036, Tone::kBad},
                                         ChargeCase{"NotKnown", {}, Tone::kGood}),
                         [](const auto& info) { return info.param.name; });

TEST(HealthModel, TellsWhatWasLostAndWhatItMeans) {
  model::Snapshot snapshot = native_snapshot();
  snapshot.targets[0].cost.bursts = {{"taken", 5}, {"budget_exhausted", 3}};
  snapshot.targets[0].cost.dropped = {{"a_later_reason", 2}};
  const Health health = make_health(live_state(snapshot));
  ASSERT_THAT(health.losses, SizeIs(2));
  EXPECT_EQ(health.losses[0].cells[2].text, "3");
  EXPECT_THAT(health.losses[0].cells[3].text, HasSubstr("no CPU time left"));
  EXPECT_EQ(health.losses[1].cells[3].text, "–");
}

TEST(HealthModel, SaysWhichEvidenceIsMissing) {
  model::Snapshot snapshot = native_snapshot();
  snapshot.targets[0].collectors = {{"alloc_bursts", "L2", model::CollectorState::kCollecting, "", ""}};
  snapshot.targets[0].evidence = {{"alloc_bursts", 7, 12, "intervals", 60}};
  const Health health = make_health(live_state(snapshot));
  EXPECT_EQ(health.collectors[0].cells[4].text, "5 bursts for intervals, in 60 s");
}

TEST(GcModel, SaysWhyANativeTargetHasNone) {
  const Gc gc = make_gc(live_state(native_snapshot()));
  EXPECT_THAT(gc.absent, HasSubstr("not measured: the runtime of this target is native"));
}

// A Go program that collects twice a second and is stopped for 3 ms each time.
ViewerState collecting_state() {
  ViewerState state;
  state.begin("127.0.0.1:9777", true);
  Delivery delivery;
  for (unsigned second = 0; second <= 20; second += 5) {
    model::Snapshot snapshot = native_snapshot();
    snapshot.time_unix_ns = kStart + second * kSecond;
    snapshot.targets[0].runtime = "go";
    model::GcSummary& gc = snapshot.targets[0].gc.emplace();
    gc.cycles = 100 + 2 * second;
    gc.pause_seconds = 0.003 * static_cast<double>(gc.cycles);
    delivery.latest = share(snapshot);
    delivery.steps.push_back({{snapshot.time_unix_ns - 15 * kSecond, snapshot.time_unix_ns}, delivery.latest, 1000});
  }
  state.take(std::move(delivery));
  return state;
}

TEST(GcModel, TakesRatesAndPausesFromCounters) {
  const Gc gc = make_gc(collecting_state());
  ASSERT_THAT(gc.cycles.lines[0].series.samples, SizeIs(4));
  EXPECT_NEAR(gc.cycles.lines[0].series.samples[1].value, 2, 1e-9);
  EXPECT_NEAR(gc.pauses.lines[0].series.samples[1].value, 0.003, 1e-9);
}

model::Snapshot advised_snapshot() {
  model::Snapshot snapshot = native_snapshot();
  model::TargetSnapshot& target = snapshot.targets[0];
  target.pools.emplace_back().name = "frames";
  target.pools[0].kind = "poolscope";
  model::Advice advice;
  advice.subject = "frames";
  advice.kind = "max_idle_buffers";
  advice.verdict = model::Verdict::kChange;
  advice.unit = "buffers";
  advice.current = 4;
  advice.recommended = 48;
  advice.saved_cpu_ratio = model::Estimate{0.3, 0.1, 0.6};
  advice.why = "it misses\na lot";
  advice.evidence = {{"pools[frames].hit_ratio.value", 0.352, "35.2 %"}};
  model::Advice keep = advice;
  keep.kind = "keep";
  keep.verdict = model::Verdict::kKeep;
  target.advice = {keep, advice};
  return snapshot;
}

TEST(AdviceModel, HasWhatAsksForSomethingFirst) {
  const AdvicePage page = make_advice_page(live_state(advised_snapshot()));
  ASSERT_THAT(page.details, SizeIs(2));
  EXPECT_EQ(page.details[0].action, "max_idle_buffers 4 buffers → 48 buffers");
  EXPECT_EQ(page.note, "1 to act on, 1 as they are");
  EXPECT_THAT(page.details[0].confidence, HasSubstr("it surely saves something"));
}

TEST(AdviceModel, CopiesAreReadyToPaste) {
  const AdviceDetail detail = make_advice_page(live_state(advised_snapshot())).details[0];
  EXPECT_EQ(detail.as_code, ".max_idle_buffers = 48,  // frames");
  EXPECT_EQ(detail.as_configuration, "max_idle_buffers: 48  # frames");
  EXPECT_THAT(detail.as_text, HasSubstr("35.2 %  pools[frames].hit_ratio.value"));
}

TEST(AdviceModel, KeepsHaveNothingToPaste) {
  const AdviceDetail detail = make_advice_page(live_state(advised_snapshot())).details[1];
  EXPECT_EQ(detail.as_code, "");
  EXPECT_EQ(detail.as_configuration, "");
}

TEST(AdviceModel, DrawsNoBarOfWhatIsNoShare) {
  model::Snapshot snapshot = advised_snapshot();
  snapshot.targets[0].advice[1].saved_cpu_ratio->high = 1e300;
  EXPECT_FALSE(make_advice_page(live_state(snapshot)).details[0].effect.has_value());
}

TEST(AdviceModel, TellsPredictedBesideRealised) {
  model::Snapshot snapshot = advised_snapshot();
  model::AdviceOutcome outcome;
  outcome.subject = "frames";
  outcome.kind = "max_idle_buffers";
  outcome.predicted_saved_cpu_ratio = model::Estimate{0.5, 0.2, 0.9};
  snapshot.targets[0].advice_outcomes = {outcome};
  const AdvicePage page = make_advice_page(live_state(snapshot));
  ASSERT_THAT(page.outcomes, SizeIs(1));
  EXPECT_EQ(page.outcomes[0].cells[3].text, "50 % (20 % – 90 %)");
  EXPECT_EQ(page.outcomes[0].cells[4].text, "–");
}

Moment moment_at(double rate, double half_width, std::uint64_t second) {
  model::Snapshot snapshot = native_snapshot();
  snapshot.time_unix_ns = kStart + second * kSecond;
  snapshot.targets[0].allocations.per_second = model::Estimate{rate, rate - half_width, rate + half_width};
  snapshot.targets[0].cost.observed_seconds = 60;
  return {share(snapshot), "agent", "now", second};
}

struct CompareCase {
  const char* name;
  double rate, half_width;
  const char *change, *finding;
};
class CompareModel : public testing::TestWithParam<CompareCase> {};
TEST_P(CompareModel, SaysWhetherIntervalsTellApart) {
  const auto page = std::make_shared<const ComparePage>(
      make_compare_page(moment_at(100, 5, 0), moment_at(GetParam().rate, GetParam().half_width, 100), false));
  const auto id = std::ranges::find(page->ids, "server.allocations_per_second");
  ASSERT_NE(id, page->ids.end());
  const Row row = compare_rows(page).make(static_cast<std::size_t>(id - page->ids.begin()));
  EXPECT_EQ(row.cells[4].text, GetParam().change);
  EXPECT_EQ(row.cells[7].text, GetParam().finding);
  EXPECT_EQ(page->warning, "");
}
INSTANTIATE_TEST_SUITE_P(Table, CompareModel,
                         testing::Values(CompareCase{"Fewer", 50, 5, "-50 %", "better"},
                                         CompareCase{"More", 200, 5, "+100 %", "worse"},
                                         CompareCase{"Overlapping", 103, 5, "~", "–"}),
                         [](const auto& info) { return info.param.name; });

TEST(ComparePage, SortsAndFindsItsRowsByWhatTheirCellsSay) {
  const auto page =
      std::make_shared<const ComparePage>(make_compare_page(moment_at(100, 5, 0), moment_at(50, 5, 100), false));
  const RowMaker rows = compare_rows(page);
  ASSERT_GT(rows.count, 0u);
  const auto columns = make_compare_table().columns();
  for (std::size_t row = 0; row < rows.count; ++row) {
    const Row made = rows.make(row);
    for (std::size_t column = 0; column < columns.size(); ++column) {
      EXPECT_EQ(rows.number(row, column), made.cells[column].number) << made.id << " " << column;
      if (!columns[column].is_number) {
        EXPECT_EQ(rows.text(row, column), made.cells[column].text) << made.id << " " << column;
      }
    }
  }
}

TEST(ComparePage, WarnsOfSharedTime) {
  EXPECT_THAT(make_compare_page(moment_at(100, 5, 0), moment_at(50, 5, 20), false).warning, HasSubstr("share 40 s"));
}

TEST(ComparePage, LeavesOutWhatDoesNotDiffer) {
  EXPECT_THAT(make_compare_page(moment_at(100, 5, 0), moment_at(103, 5, 100), true).rows, IsEmpty());
  EXPECT_THAT(make_compare_page(moment_at(100, 5, 0), moment_at(50, 5, 100), true).rows, SizeIs(1));
}

TEST(ComparePage, SaysWhatIsMissing) {
  EXPECT_THAT(make_compare_page({}, moment_at(1, 0, 0), false).absent, HasSubstr("BASE is missing"));
  EXPECT_THAT(make_compare_page(moment_at(1, 0, 0), {}, false).absent, HasSubstr("Nothing is there"));
}

}  // namespace
}  // namespace poolscope::viewer
