#include "exporters/prometheus/metrics.h"

#include <limits>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/exporters/golden.h"
#include "tests/unit/exporters/sample_snapshot.h"

namespace {

using poolscope::model::Estimate;
using poolscope::model::Snapshot;
using poolscope::model::TargetSnapshot;
using poolscope::prometheus_text::AgentStatus;
using poolscope::prometheus_text::metric_families;
using poolscope::prometheus_text::serialize;
using testing::HasSubstr;
using testing::Not;

std::string page(const Snapshot& snapshot, const AgentStatus& status = {}, std::size_t max_series = 10'000) {
  return serialize(metric_families(snapshot, status, {max_series}));
}

std::string page(const TargetSnapshot& target) {
  Snapshot snapshot;
  snapshot.targets = {target};
  return page(snapshot);
}

TargetSnapshot named(std::string name) {
  TargetSnapshot target;
  target.name = std::move(name);
  return target;
}

TEST(Metrics, AreAsInTheGoldenFile) {
  const AgentStatus status{true, 1'795'170'000, "0.1.0"};
  poolscope::test::expect_golden("metrics.txt", page(poolscope::test::realistic_snapshot(), status));
}

TEST(Metrics, GiveAnEstimateAsThreeGauges) {
  TargetSnapshot target = named("a");
  target.allocations.per_second = Estimate{688.5, 661, 715};
  const std::string text = page(target);
  EXPECT_THAT(text, HasSubstr("poolscope_allocations_per_second{target=\"a\"} 688.5\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_allocations_per_second_low{target=\"a\"} 661\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_allocations_per_second_high{target=\"a\"} 715\n"));
}

TEST(Metrics, HaveNoSeriesForWhatWasNotMeasured) {
  const std::string text = page(named("a"));
  for (const char* name :
       {"allocations", "churn", "frees", "allocation_size", "lifetime", "turnover", "bursts_total"}) {
    EXPECT_THAT(text, Not(HasSubstr(std::string("poolscope_") + name)));
  }
}

TEST(Metrics, HaveNoIntervalWhereThereIsNone) {
  TargetSnapshot target = named("a");
  target.allocations.churn_ratio = Estimate{0.5, {}, {}};
  const std::string text = page(target);
  EXPECT_THAT(text, HasSubstr("poolscope_churn_ratio{"));
  EXPECT_THAT(text, Not(HasSubstr("poolscope_churn_ratio_")));
}

TEST(Metrics, LeaveOutNumbersThatAreNotFinite) {
  TargetSnapshot target = named("a");
  target.allocations.per_second = Estimate{std::numeric_limits<double>::quiet_NaN(), 1, 2};
  target.allocations.bytes_per_second = Estimate{5, -std::numeric_limits<double>::infinity(), 7};
  const std::string text = page(target);
  EXPECT_THAT(text, Not(HasSubstr("poolscope_allocations_per_second{")));
  EXPECT_THAT(text, HasSubstr("poolscope_allocated_bytes_per_second{"));
  EXPECT_THAT(text, Not(HasSubstr("poolscope_allocated_bytes_per_second_low{")));
}

TEST(Metrics, ShowTotalsOnlyWhenEveryEventWasCounted) {
  TargetSnapshot target = named("a");
  target.allocations.counted = {7, 70, 5, 1, {}};
  EXPECT_THAT(page(target), Not(HasSubstr("allocations_total")));
  target.exact = true;
  const std::string text = page(target);
  EXPECT_THAT(text, HasSubstr("poolscope_allocations_total{target=\"a\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_allocated_bytes_total{target=\"a\"} 70\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_frees_total{target=\"a\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_reallocations_total{target=\"a\"} 1\n"));
}

TEST(Metrics, PutConfiguredLabelsOnEverySeriesOfTheTarget) {
  TargetSnapshot target = named("a");
  target.labels = {{"env", "prod"}};
  target.collectors = {{"alloc_bursts", "L2", {}, "no_tokens", ""}};
  target.allocations.per_second = Estimate{1, 1, 1};
  std::istringstream lines(page(target));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("poolscope_") && line.find("target=") != std::string::npos) {
      EXPECT_THAT(line, HasSubstr("{target=\"a\",env=\"prod\"")) << line;
    }
  }
}

TEST(Metrics, LeaveOutConfiguredLabelsThatCannotBe) {
  TargetSnapshot target = named("a");
  target.labels = {{"target", "b"}, {"bad-name", "x"}, {"env", "prod"}};
  EXPECT_THAT(page(target), HasSubstr("poolscope_target_processes{target=\"a\",env=\"prod\"} 0\n"));
}

TEST(Metrics, EscapeLabelValues) {
  EXPECT_THAT(page(named("q\"b\\n\nl")), HasSubstr(R"(target="q\"b\\n\nl")"));
}

TEST(Metrics, ReplaceBytesThatAreNotUtf8) {
  EXPECT_THAT(page(named("caf\xe9")), HasSubstr("target=\"caf\uFFFD\""));
}

TEST(Metrics, EscapeHelp) {
  ::prometheus::MetricFamily family{"x", "a\\b\nc", ::prometheus::MetricType::Gauge, {{}}};
  EXPECT_THAT(serialize({family}), HasSubstr("# HELP x a\\\\b\\nc\n"));
}

TEST(Metrics, ShowTheStateEachCollectorIsIn) {
  TargetSnapshot target = named("a");
  target.collectors = {
      {"alloc_bursts", "L2", poolscope::model::CollectorState::kUnavailable, "not_permitted", "long text"}};
  EXPECT_THAT(page(target),
              HasSubstr("poolscope_collector_state{target=\"a\",collector=\"alloc_bursts\",state=\"unavailable\","
                        "reason=\"not_permitted\"} 1\n"));
}

TEST(Metrics, ShowASeriesOnceWhenTheSnapshotHasItTwice) {
  Snapshot snapshot;
  snapshot.targets = {named("a"), named("a")};
  const std::string text = page(snapshot);
  const std::string series = "poolscope_target_processes{target=\"a\"}";
  EXPECT_EQ(text.find(series), text.rfind(series));
  EXPECT_THAT(text, Not(HasSubstr("poolscope_series_dropped_total 0\n")));
}

TEST(Metrics, LeaveOutLaterTargetsBeyondTheCapAndCountThem) {
  Snapshot snapshot;
  for (int i = 0; i < 10; ++i) snapshot.targets.push_back(named("t" + std::to_string(i)));
  // a target without measurements has 5 series: info, processes, hits, charge, observed time
  const std::string text = page(snapshot, {}, 12);
  EXPECT_THAT(text, HasSubstr("poolscope_observed_seconds_total{target=\"t1\"}"));
  EXPECT_THAT(text, HasSubstr("poolscope_target_processes{target=\"t2\"}"));
  EXPECT_THAT(text, Not(HasSubstr("poolscope_probe_hits_total{target=\"t2\"}")));
  EXPECT_THAT(text, Not(HasSubstr("target=\"t3\"")));
  EXPECT_THAT(text, HasSubstr("poolscope_series_dropped_total 38\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_build_info"));
}

TEST(Metrics, DropAFamilyOfATargetAsAWhole) {
  TargetSnapshot target = named("a");
  target.collectors = {{"one", "L2", {}, "", ""}, {"two", "L2", {}, "", ""}};
  Snapshot snapshot;
  snapshot.targets = {target};
  const std::string text = page(snapshot, {}, 3);
  EXPECT_THAT(text, Not(HasSubstr("poolscope_collector_state")));
  EXPECT_THAT(text, HasSubstr("poolscope_series_dropped_total 5\n"));
}

TEST(Metrics, LeaveOutEstimatesThatAreTooOld) {
  Snapshot snapshot;
  snapshot.time_unix_ns = 1'000'000'000'000;
  snapshot.targets = {named("a")};
  snapshot.targets[0].allocations.per_second = Estimate{1, {}, {}};
  AgentStatus status;
  status.now_unix_ns = snapshot.time_unix_ns + 300'000'000'000;
  EXPECT_THAT(page(snapshot, status), HasSubstr("poolscope_allocations_per_second"));
  status.now_unix_ns += 1;
  EXPECT_THAT(page(snapshot, status), Not(HasSubstr("poolscope_allocations_per_second")));
  EXPECT_THAT(page(snapshot, status), HasSubstr("poolscope_probe_hits_total"));
}

poolscope::model::PoolSummary pool_with_gets(std::string name, double gets_per_second) {
  poolscope::model::PoolSummary pool;
  pool.name = std::move(name);
  pool.kind = "go_sync_pool";
  pool.gets_per_second = Estimate{gets_per_second, gets_per_second / 2, gets_per_second * 2};
  return pool;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

TEST(PoolMetrics, SayWhatAPoolIs) {
  TargetSnapshot target = named("a");
  target.pools = {pool_with_gets("main.p", 5)};
  target.pools[0].element = "*bytes.Buffer";
  target.pools[0].library = "net/http";
  EXPECT_THAT(page(target), HasSubstr("poolscope_pool_info{target=\"a\",pool=\"main.p\",kind=\"go_sync_pool\","
                                      "element=\"*bytes.Buffer\",library=\"net/http\"} 1\n"));
}

TEST(PoolMetrics, HaveNoSeriesForWhatWasNotMeasured) {
  TargetSnapshot target = named("a");
  target.pools.emplace_back().name = "p";
  const std::string text = page(target);
  EXPECT_EQ(count(text, "pool=\"p\""), 1u) << text;
  EXPECT_THAT(page(named("a")), Not(HasSubstr("poolscope_pool_")));
  EXPECT_THAT(page(named("a")), Not(HasSubstr("poolscope_gc_")));
}

TEST(PoolMetrics, CountMissesOnlyWhereEachWasWatched) {
  TargetSnapshot target = named("a");
  target.pools = {pool_with_gets("p", 5)};
  target.pools[0].counted = {9, 8, 7, 6, {}, {}};
  EXPECT_THAT(page(target), Not(HasSubstr("_total{target=\"a\",pool=")));
  target.pools[0].counted.watched_misses = 70;
  target.pools[0].counted.thrown_away = 30;
  const std::string text = page(target);
  EXPECT_THAT(text, HasSubstr("poolscope_pool_misses_total{target=\"a\",pool=\"p\",reason=\"empty\"} 70\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_pool_thrown_away_total{target=\"a\",pool=\"p\"} 30\n"));
  EXPECT_THAT(text, Not(HasSubstr("poolscope_pool_gets_total")));
}

TEST(PoolMetrics, CountEverythingInExactMode) {
  TargetSnapshot target = named("a");
  target.runtime = "go";
  target.exact = true;
  target.pools = {pool_with_gets("p", 5)};
  target.pools[0].counted = {9, 8, 7, 6, {}, {}};
  const std::string text = page(target);
  EXPECT_THAT(text, HasSubstr("poolscope_pool_gets_total{target=\"a\",pool=\"p\"} 9\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_pool_puts_total{target=\"a\",pool=\"p\"} 8\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_pool_misses_total{target=\"a\",pool=\"p\",reason=\"empty\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_pool_regrowths_total{target=\"a\",pool=\"p\"} 6\n"));
  EXPECT_THAT(text, Not(HasSubstr("poolscope_allocations_total")));
}

TEST(PoolMetrics, CountEverythingOfAPublishedPoolAndNothingThatItDoesNotKeep) {
  TargetSnapshot target = named("a");
  target.pools = {pool_with_gets("p", 5)};
  target.pools[0].counted.gets = 9;
  auto& published = target.pools[0].published.emplace();
  published.misses = {{"empty", 3}, {"exhausted", 0}};
  published.discards = {{"full", 4}};
  published.borrowed = 2;
  published.max_idle_buffers = 16;
  published.borrowed_high_water = Estimate{7, 5, 7};
  const std::string text = page(target);
  for (const char* line : {"pool_gets_total{target=\"a\",pool=\"p\"} 9\n",
                           "pool_misses_total{target=\"a\",pool=\"p\",reason=\"empty\"} 3\n",
                           "pool_misses_total{target=\"a\",pool=\"p\",reason=\"exhausted\"} 0\n",
                           "pool_discards_total{target=\"a\",pool=\"p\",reason=\"full\"} 4\n",
                           "pool_buffers{target=\"a\",pool=\"p\",state=\"borrowed\"} 2\n",
                           "pool_max_idle_buffers{target=\"a\",pool=\"p\"} 16\n",
                           "pool_borrowed_high_water_low{target=\"a\",pool=\"p\"} 5\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("pool_puts_total")));
  EXPECT_THAT(text, Not(HasSubstr("pool_max_borrowed_buffers")));
}

TEST(PoolMetrics, SumTheRatesOfAllButTheFiftyBusiestPools) {
  TargetSnapshot target = named("a");
  for (int i = 0; i < 53; ++i) target.pools.push_back(pool_with_gets("p" + std::to_string(i), 100 + i));
  for (auto& pool : target.pools) {
    pool.hit_ratio = Estimate{0.5, {}, {}};
    pool.counted.watched_misses = 1;
  }
  const std::string text = page(target);
  EXPECT_THAT(text, HasSubstr("poolscope_pool_gets_per_second{target=\"a\",pool=\"other\"} 303\n"));  // 100 + 101 + 102
  EXPECT_EQ(count(text, "pool=\"other\""), 1u) << "a sum of intervals, ratios or changing counters means nothing";
  EXPECT_EQ(count(text, "poolscope_pool_info{"), 50u);
  EXPECT_THAT(text, Not(HasSubstr("pool=\"p2\"")));
  EXPECT_THAT(text, HasSubstr("poolscope_pool_gets_per_second{target=\"a\",pool=\"p3\"} 103\n"));
}

TEST(PoolMetrics, LeaveOutEstimatesThatAreTooOldButKeepCounters) {
  Snapshot snapshot;
  snapshot.time_unix_ns = 1'000'000'000'000;
  snapshot.targets = {named("a")};
  snapshot.targets[0].pools = {pool_with_gets("p", 5)};
  snapshot.targets[0].pools[0].idle = 3;
  snapshot.targets[0].pools[0].counted.watched_misses = 4;
  snapshot.targets[0].gc.emplace().live_bytes = 7;
  AgentStatus status;
  EXPECT_THAT(page(snapshot, status), HasSubstr("poolscope_pool_buffers{target=\"a\",pool=\"p\",state=\"idle\"} 3\n"));
  EXPECT_THAT(page(snapshot, status), HasSubstr("poolscope_heap_live_bytes{target=\"a\"} 7\n"));
  status.now_unix_ns = snapshot.time_unix_ns + 300'000'000'001;
  const std::string text = page(snapshot, status);
  for (const char* gone : {"poolscope_pool_gets_per_second", "poolscope_pool_buffers", "poolscope_heap_live_bytes"}) {
    EXPECT_THAT(text, Not(HasSubstr(gone)));
  }
  EXPECT_THAT(text, HasSubstr("poolscope_pool_misses_total"));
  EXPECT_THAT(text, HasSubstr("poolscope_gc_cycles_total"));
}

TEST(PoolMetrics, ComeLastSoThatPoolsAreLeftOutFirst) {
  Snapshot snapshot;
  snapshot.targets = {named("a"), named("b")};
  for (int i = 0; i < 20; ++i) snapshot.targets[0].pools.push_back(pool_with_gets("p" + std::to_string(i), 100));
  const std::string text = page(snapshot, {}, 20);
  EXPECT_THAT(text, HasSubstr("poolscope_observed_seconds_total{target=\"b\"}"));
  EXPECT_THAT(text, Not(HasSubstr("poolscope_pool_")));
  EXPECT_THAT(text, HasSubstr("poolscope_series_dropped_total 80\n"));  // info, gets with both ends
}

TEST(GcMetrics, AreThoseTheRuntimeKeeps) {
  TargetSnapshot target = named("a");
  auto& gc = target.gc.emplace();
  gc.cycles = 12;
  gc.pause_seconds = 0.5;
  gc.allocated_bytes = 1000;
  gc.churn_ratio = 0.75;
  const std::string text = page(target);
  EXPECT_THAT(text, HasSubstr("poolscope_gc_cycles_total{target=\"a\"} 12\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_gc_pause_seconds_total{target=\"a\"} 0.5\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_gc_allocated_bytes_total{target=\"a\"} 1000\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_churn_ratio{target=\"a\"} 0.75\n"));
  for (const char* absent :
       {"gc_cpu_ratio", "gc_assist_cpu_ratio", "heap_live_bytes", "heap_goal", "churn_age_seconds{"}) {
    EXPECT_THAT(text, Not(HasSubstr(absent)));
  }
}

TEST(GcMetrics, LeaveTheChurnOfMallocAlone) {
  TargetSnapshot target = named("a");
  target.allocations.churn_ratio = Estimate{0.25, {}, {}};
  target.gc.emplace().churn_ratio = 0.75;
  const std::string text = page(target);
  EXPECT_THAT(text, HasSubstr("poolscope_churn_ratio{target=\"a\"} 0.25\n"));
  EXPECT_THAT(text, HasSubstr("poolscope_series_dropped_total 0\n"));
}

TEST(Metrics, NameTheTimeOfAReloadOnlyWhenItSucceeded) {
  EXPECT_THAT(page(Snapshot{}, {true, 1000, "1"}),
              HasSubstr("poolscope_config_last_reload_success_timestamp_seconds 1000\n"));
  const std::string text = page(Snapshot{}, {false, 1000, "1"});
  EXPECT_THAT(text, HasSubstr("poolscope_config_last_reload_successful 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("poolscope_config_last_reload_success_timestamp_seconds")));
}

}  // namespace
