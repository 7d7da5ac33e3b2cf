#include "agent/estimate/cost.h"

#include <gtest/gtest.h>

#include "tests/unit/estimate/make_records.h"

namespace poolscope::estimate::testing {
namespace {

TEST(Cost, SumsHitsChargeAndDrops) {
  auto first = rate_burst(0, 10), second = rate_burst(1, 10);
  first.probe_hits = 100;
  first.charge_ns = kSecondNs / 100;
  first.dropped = {{"births_full", 3}};
  second.probe_hits = 50;
  second.charge_ns = kSecondNs / 100;
  second.dropped = {{"births_full", 4}, {"no_size", 1}};
  const auto cost = summarize_all({first, second}, {stratum(2, 4)}).cost;
  EXPECT_EQ(cost.probe_hits, 150u);
  EXPECT_DOUBLE_EQ(cost.charged_cpu_seconds, 0.02);
  EXPECT_DOUBLE_EQ(cost.charged_cpu_ratio.value(), 0.01);
  EXPECT_EQ(cost.dropped, (std::map<std::string, std::uint64_t>{{"births_full", 7}, {"no_size", 1}}));
  EXPECT_DOUBLE_EQ(cost.observed_seconds, 4);
}

TEST(Cost, CountsBurstsAndWhyStrataHaveNone) {
  const auto cost = summarize_all({rate_burst(0, 1)}, {stratum(1), stratum(1, 1, "idle"), stratum(1, 1, "no_tokens"),
                                                       stratum(1, 1, "idle")})
                        .cost;
  EXPECT_EQ(cost.bursts, (std::map<std::string, std::uint64_t>{{"taken", 1}, {"idle", 2}, {"no_tokens", 1}}));
  EXPECT_DOUBLE_EQ(*cost.coverage_ratio, 0.25);
}

TEST(Cost, ChargesBurstsThatGaveNoRecord) {
  auto released = stratum(1, 1, "released_early");
  released.unrecorded_hits = 7000;
  released.unrecorded_charge_ns = kSecondNs / 100;
  const auto cost = summarize_all({}, {released}).cost;
  EXPECT_EQ(cost.probe_hits, 7000u);
  EXPECT_DOUBLE_EQ(cost.charged_cpu_seconds, 0.01);
  EXPECT_DOUBLE_EQ(cost.charged_cpu_ratio.value(), 0.01);
}

TEST(Cost, TellsWhatProcessesUsedThatNobodySaw) {
  auto some = stratum(4, 4);
  some.ended_cpu_ns = kSecondNs;
  EXPECT_DOUBLE_EQ(summarize_all({}, {some}).cost.ended_cpu_ratio.value(), 0.25);
  EXPECT_FALSE(summarize_all({}, {stratum(1, 4)}).cost.ended_cpu_ratio);
}

TEST(Cost, TakesTheIntervalFromRatesOfATargetThatWasMostlyUnseen) {
  std::vector<model::BurstRecord> bursts;
  for (unsigned i = 0; i < 20; ++i) bursts.push_back(rate_burst(i, 100 + i));
  auto seen = stratum(20, 20), unseen = seen;
  unseen.ended_cpu_ns = 10 * kSecondNs;
  EXPECT_TRUE(summarize_all(bursts, {seen}).allocations.per_second->low);
  EXPECT_FALSE(summarize_all(bursts, {unseen}).allocations.per_second->low);
  EXPECT_FALSE(summarize_all(bursts, {unseen}).allocations.per_second->high);
  EXPECT_DOUBLE_EQ(summarize_all(bursts, {unseen}).allocations.per_second->value,
                   summarize_all(bursts, {seen}).allocations.per_second->value);
}

TEST(Cost, SaysNothingOfBurstsWhereNoneIsPlanned) {
  auto without = stratum(1, 1, "no_pools");
  without.burst_planned = false;
  const auto cost = summarize_all({}, {without, without}).cost;
  EXPECT_TRUE(cost.bursts.empty());
  EXPECT_FALSE(cost.coverage_ratio);
  EXPECT_DOUBLE_EQ(cost.observed_seconds, 2);
}

TEST(Cost, OfAnExactRunWithoutPoolsIsRelatedToTheCpuTimeOfItsCollector) {
  model::GcRecord record;
  record.length_ns = kSecondNs;
  record.cpu_ns = kSecondNs;
  record.charge_ns = kSecondNs / 4;
  const std::vector<model::GcRecord> records{record};
  EXPECT_DOUBLE_EQ(summarize({{}, {}, {}, {}, records}).cost.charged_cpu_ratio.value(), 0.25);
}

TEST(Cost, OfAnExactRunTakesTheCpuTimeOfAProcessOnceHoweverManyLookedAtIt) {
  model::GcRecord collector;
  collector.process = {.pid = 1};
  collector.length_ns = collector.cpu_ns.emplace(kSecondNs);
  collector.charge_ns = kSecondNs / 4;
  auto slices = rate_burst(0, 10, 1);  // of the same process
  auto pools_of_another = model::PoolBurstRecord{};
  pools_of_another.process = {.pid = 2};
  pools_of_another.window.cpu_ns = 3 * kSecondNs;
  const std::vector<model::GcRecord> collectors{collector};
  const std::vector<model::BurstRecord> growth{slices};
  const std::vector<model::PoolBurstRecord> pools{pools_of_another};
  const auto cost = summarize({{}, {}, pools, {}, collectors, growth}).cost;
  EXPECT_DOUBLE_EQ(cost.charged_cpu_ratio.value(), 0.25 / 4);
}

TEST(Cost, CountsOverlappingWindowsOfABurstOnce) {
  auto burst = rate_burst(0, 10);
  burst.free_window = burst.allocation_window;
  burst.free_window.length_ns = 5 * kSecondNs;
  EXPECT_DOUBLE_EQ(summarize_all({burst}, {}).cost.window_seconds, 5);
}

TEST(Cost, WithoutAnythingIsEmpty) {
  const auto cost = summarize_all({}, {}).cost;
  EXPECT_TRUE(cost.bursts.empty());
  EXPECT_FALSE(cost.coverage_ratio);
  EXPECT_FALSE(cost.charged_cpu_ratio);
}

TEST(Cost, OfATargetThatDidNotRunIsNone) {
  EXPECT_EQ(summarize_all({}, {stratum(0), stratum(0)}).cost.charged_cpu_ratio, 0.0);
}

TEST(Cost, IsNotRelatedToACpuTimeThatNobodyTold) {
  auto gone = stratum(1);
  gone.target_cpu_ns.reset();
  EXPECT_FALSE(summarize_all({}, {gone, gone}).cost.charged_cpu_ratio);
  EXPECT_FALSE(summarize_all({}, {gone, gone}).cpu_seconds_per_second);
}

TEST(Cost, IsRelatedToTheStrataWhoseCpuTimeIsKnown) {
  auto gone = stratum(1);
  gone.target_cpu_ns.reset();
  auto burst = rate_burst(0, 10);
  burst.charge_ns = kSecondNs / 100;
  EXPECT_DOUBLE_EQ(summarize_all({burst}, {stratum(2), gone}).cost.charged_cpu_ratio.value(), 0.005);
}

TEST(Cost, OfAnExactRunIsRelatedToTheCpuTimeOfItsWindows) {
  auto burst = rate_burst(0, 10, 2);
  burst.kind = model::BurstKind::kExact;
  burst.charge_ns = kSecondNs;
  EXPECT_DOUBLE_EQ(summarize_all({burst}, {}).cost.charged_cpu_ratio.value(), 0.5);
}

}  // namespace
}  // namespace poolscope::estimate::testing
