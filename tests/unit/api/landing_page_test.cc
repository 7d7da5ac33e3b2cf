#include "agent/api/landing_page.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/api/fake_source.h"

namespace poolscope::api {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::redis_snapshot;
using testing::redis_target;

std::string page_of(const model::TargetSnapshot& target) {
  model::Snapshot snapshot = redis_snapshot(7);
  snapshot.targets = {target};
  return landing_page(&snapshot, std::nullopt);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

struct EscapeCase {
  const char* name;
  std::string text, escaped;
};
class EscapeHtml : public ::testing::TestWithParam<EscapeCase> {};
TEST_P(EscapeHtml, LeavesNoMarkup) {
  EXPECT_EQ(escape_html(GetParam().text), GetParam().escaped);
}
INSTANTIATE_TEST_SUITE_P(
    Table, EscapeHtml,
    ::testing::Values(EscapeCase{"Empty", "", ""}, EscapeCase{"Plain", "redis 7", "redis 7"},
                      EscapeCase{"Markup", "<b a='1' c=\"2\">&", "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;"},
                      EscapeCase{"Controls", std::string("a\0b\x1b\x7f", 5), "a?b??"}, EscapeCase{"Utf8", "µs", "µs"}),
    [](const auto& c) { return c.param.name; });

TEST(LandingPage, WithoutASnapshotSaysWhatItWaitsFor) {
  const std::string page = landing_page(nullptr, "waiting for <targets>");
  EXPECT_THAT(page, HasSubstr("Not ready: waiting for &lt;targets&gt;."));
}

TEST(LandingPage, ReloadsWithoutScriptAndFitsAPhone) {
  const std::string page = landing_page(nullptr, std::nullopt);
  EXPECT_THAT(page,
              AllOf(HasSubstr("http-equiv=\"refresh\" content=\"5\""), HasSubstr("name=\"viewport\""),
                    HasSubstr("prefers-color-scheme: dark"), Not(HasSubstr("<script")), Not(HasSubstr("Not ready"))));
}

TEST(LandingPage, LinksToMetricsAndApi) {
  EXPECT_THAT(landing_page(nullptr, std::nullopt),
              AllOf(HasSubstr("href=\"/metrics\""), HasSubstr("href=\"/api/v1/snapshot\""),
                    HasSubstr("href=\"/api/v1/history")));
}

TEST(LandingPage, SaysSoWhenThereIsNoTarget) {
  model::Snapshot snapshot = redis_snapshot(1);
  snapshot.targets.clear();
  EXPECT_THAT(landing_page(&snapshot, std::nullopt), HasSubstr("No target"));
}

TEST(LandingPage, ShowsWhatIsKnownOfATarget) {
  EXPECT_THAT(page_of(redis_target()),
              AllOf(HasSubstr("<h2>redis-server</h2>"), HasSubstr("native"), HasSubstr("jemalloc"), HasSubstr("4242"),
                    HasSubstr("redis-server *:6379"), HasSubstr("createStringObject"), HasSubstr("p99"),
                    HasSubstr("budget"), HasSubstr("snapshot 7 of 2023-11-14 22:13:20 UTC")));
}

TEST(LandingPage, GivesTheIntervalOrSaysThatThereIsNoneYet) {
  model::TargetSnapshot target = redis_target();
  EXPECT_EQ(count(page_of(target), " to "), 2u);
  target.allocations.per_second = model::Estimate{125000, {}, {}};
  EXPECT_THAT(page_of(target), HasSubstr("interval not known yet"));
}

TEST(LandingPage, SaysWhyWhatIsAbsentWasNotMeasured) {
  model::TargetSnapshot target = redis_target();
  target.allocations = {};
  target.collectors = {
      {"alloc_bursts", "L2", model::CollectorState::kUnavailable, "not_permitted", "needs CAP_BPF & more"}};
  const std::string page = page_of(target);
  EXPECT_EQ(count(page, "not measured: needs CAP_BPF &amp; more"), 1u);
  EXPECT_THAT(page, HasSubstr("<span class=\"unavailable\">unavailable</span> needs CAP_BPF &amp; more"));
}

TEST(LandingPage, SaysWhyOfEachPartThatIsAbsentBesideMeasuredOnes) {
  EXPECT_EQ(count(page_of(redis_target()), "not measured: no burst has measured it yet"), 3u)
      << "frees, churn, lifetimes";
}

TEST(LandingPage, FallsBackToTheReasonAndThenToTheMissingBurst) {
  model::TargetSnapshot target = redis_target();
  target.allocations = {};
  target.collectors[0].reason = "too_hot";
  EXPECT_THAT(page_of(target), HasSubstr("not measured: too_hot"));
  target.collectors[0].reason = "";
  EXPECT_THAT(page_of(target), HasSubstr("not measured: no burst has measured it yet"));
  target.collectors.clear();
  EXPECT_THAT(page_of(target), HasSubstr("not measured: no alloc_bursts collector"));
}

TEST(LandingPage, LifetimesBeyondTheFollowedAgeAreSaidToBe) {
  model::TargetSnapshot target = redis_target();
  target.allocations.lifetime = model::LifetimeSummary{0.001, {}, {{0.01, {0.8, {}, {}}}}, 0.05, {}};
  EXPECT_THAT(page_of(target), HasSubstr("p95 <b>above "));
}

TEST(LandingPage, EscapesEveryForeignName) {
  const std::string attack = "<img src=x onerror=alert(1)>\"'&";
  model::TargetSnapshot target = redis_target();
  target.name = target.runtime = target.allocator = attack;
  target.processes[0].command = attack;
  target.collectors = {{attack, attack, model::CollectorState::kIdle, attack, attack}};
  target.call_sites[0].symbol = target.call_sites[0].object = target.call_sites[0].source = attack;
  target.pools.resize(1);
  target.pools[0].name = target.pools[0].element = target.pools[0].library = attack;
  target.pools[0].needed_bytes_reason = attack;
  target.pools[0].gets_per_second.emplace();
  model::Snapshot snapshot = redis_snapshot(1);
  snapshot.agent.version = attack;
  snapshot.targets = {target};
  const std::string page = landing_page(&snapshot, attack);
  EXPECT_EQ(count(page, "<img"), 0u);
  EXPECT_GE(count(page, escape_html(attack)), 13u);
}

TEST(LandingPage, ShowsTenCallSitesAndCountsTheRest) {
  model::TargetSnapshot target = redis_target();
  target.call_sites.assign(25, target.call_sites[0]);
  const std::string page = page_of(target);
  EXPECT_EQ(count(page, "<code>createStringObject</code>"), 10u);
  EXPECT_THAT(page, HasSubstr("the first 10 of 25"));
}

model::TargetSnapshot go_target() {
  model::TargetSnapshot target;
  target.name = "order-api";
  target.runtime = "go";
  target.processes.resize(1);
  target.collectors = {{"go_runtime", "L0", model::CollectorState::kCollecting, "", ""}};
  model::PoolSummary pool;
  pool.name = "main.jsonBufferPool";
  pool.element = "*bytes.Buffer";
  pool.gets_per_second = model::Estimate{18'420, 17'610, 19'230};
  pool.hit_ratio = model::Estimate{0.69, 0.672, 0.708};
  pool.buffer_bytes = model::SizeSummary{2'047, 8'191, 16'383, {}};
  pool.needed_bytes_reason = "reset_before_put";
  pool.thrown_away_per_gc = 120;
  target.pools = {pool};
  return target;
}

TEST(LandingPage, ShowsPoolsWithWhatIsRemarkable) {
  EXPECT_THAT(page_of(go_target()), AllOf(HasSubstr("<h3>Pools</h3>"), HasSubstr("<code>main.jsonBufferPool</code>"),
                                          HasSubstr("<span class=\"quiet\">*bytes.Buffer</span>"),
                                          HasSubstr("<br>misses 31 % of its gets; 120 objects are thrown away per GC"),
                                          HasSubstr("<br><span class=\"quiet\">lengths: reset before put</span>"),
                                          HasSubstr("<td>69 % (67.2 – 70.8)</td>"), HasSubstr("<td>2 / 8 KiB</td>")));
  EXPECT_THAT(page_of(redis_target()), Not(HasSubstr("Pools")));
}

TEST(LandingPage, ShowsTenPoolsAndCountsTheRest) {
  model::TargetSnapshot target = go_target();
  target.pools.assign(25, target.pools[0]);
  const std::string page = page_of(target);
  EXPECT_EQ(count(page, "<code>main.jsonBufferPool</code>"), 10u);
  EXPECT_THAT(page, HasSubstr("the first 10 of 25"));
}

TEST(LandingPage, ShowsTheHeapOfGoInPlaceOfMalloc) {
  model::TargetSnapshot target = go_target();
  auto& gc = target.gc.emplace();
  gc.cycles = 2'814;
  gc.allocated_bytes_per_second = 61.2e6;
  gc.churn_ratio = 0.948;
  const std::string page = page_of(target);
  EXPECT_THAT(page,
              AllOf(HasSubstr("allocated</th><td><b>58.4 MiB/s</b>"), HasSubstr("<b>94.8 %</b>"),
                    HasSubstr("live heap</th><td><span class=\"quiet\">not measured: the runtime did not give it"),
                    Not(HasSubstr("Allocations:")), Not(HasSubstr("alloc_bursts"))));
}

TEST(LandingPage, SaysOfAGoProgramWithoutRuntimeNumbersWhatTheRuntimeCollectorSays) {
  model::TargetSnapshot target = go_target();
  target.collectors[0] = {"go_runtime", "L0", model::CollectorState::kUnavailable, "no_symbols", "no <memstats>"};
  EXPECT_THAT(
      page_of(target),
      HasSubstr("Allocations: <span class=\"quiet\">not measured: go_runtime is unavailable: no &lt;memstats&gt;"));
}

TEST(LandingPage, StaysBoundedWithManyTargetsAndProcesses) {
  model::Snapshot snapshot = redis_snapshot(1);
  model::TargetSnapshot target = redis_target();
  target.processes.assign(500, target.processes[0]);
  snapshot.targets.assign(150, target);
  const std::string page = landing_page(&snapshot, std::nullopt);
  EXPECT_EQ(count(page, "<section>"), 100u);
  EXPECT_EQ(count(page, "4242"), 1000u);
  EXPECT_THAT(page, AllOf(HasSubstr("500 processes:"), HasSubstr("50 more targets")));
}

}  // namespace
}  // namespace poolscope::api
