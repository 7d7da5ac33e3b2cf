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
  model::Snapshot snapshot = redis_snapshot(1);
  snapshot.agent.version = attack;
  snapshot.targets = {target};
  const std::string page = landing_page(&snapshot, attack);
  EXPECT_EQ(count(page, "<img"), 0u);
  EXPECT_GE(count(page, escape_html(attack)), 9u);
}

TEST(LandingPage, ShowsTenCallSitesAndCountsTheRest) {
  model::TargetSnapshot target = redis_target();
  target.call_sites.assign(25, target.call_sites[0]);
  const std::string page = page_of(target);
  EXPECT_EQ(count(page, "<code>createStringObject</code>"), 10u);
  EXPECT_THAT(page, HasSubstr("the first 10 of 25"));
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
