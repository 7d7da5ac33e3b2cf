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

TEST(Metrics, NameTheTimeOfAReloadOnlyWhenItSucceeded) {
  EXPECT_THAT(page(Snapshot{}, {true, 1000, "1"}),
              HasSubstr("poolscope_config_last_reload_success_timestamp_seconds 1000\n"));
  const std::string text = page(Snapshot{}, {false, 1000, "1"});
  EXPECT_THAT(text, HasSubstr("poolscope_config_last_reload_successful 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("poolscope_config_last_reload_success_timestamp_seconds")));
}

}  // namespace
