#include "exporters/text/report.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/text/line.h"
#include "tests/unit/exporters/golden.h"
#include "tests/unit/exporters/sample_snapshot.h"

namespace {

using namespace poolscope::text;
using poolscope::model::CallSite;
using poolscope::model::CollectorState;
using poolscope::model::Estimate;
using poolscope::model::Snapshot;
using poolscope::model::TargetSnapshot;
using testing::HasSubstr;
using testing::Not;

std::string report(const TargetSnapshot& target, unsigned width_columns = 100) {
  Snapshot snapshot;
  snapshot.targets = {target};
  return report_text(snapshot, {false, width_columns});
}

TargetSnapshot measured() {
  TargetSnapshot target;
  target.name = "a";
  target.processes.resize(1);
  target.collectors = {{"alloc_bursts", "L2", CollectorState::kCollecting, "", ""}};
  target.allocations.per_second = Estimate{688'012, 661'204, 714'820};
  target.cost.bursts = {{"taken", 24}};
  return target;
}

TargetSnapshot unmeasured(CollectorState state, std::string detail) {
  TargetSnapshot target;
  target.name = "a";
  target.processes.resize(1);
  target.collectors = {
      {"alloc_bursts", "L2", state, state == CollectorState::kCollecting ? "" : "some_reason", detail}};
  return target;
}

TEST(ReportText, IsAsInTheGoldenFile) {
  poolscope::test::expect_golden("report.txt", report_text(poolscope::test::realistic_snapshot(), {false, 100}));
}

TEST(ReportText, IsAsInTheGoldenFileOnANarrowTerminal) {
  poolscope::test::expect_golden("report_80_columns.txt",
                                 report_text(poolscope::test::realistic_snapshot(), {false, 80}));
}

TEST(ReportText, ShowsTheInterval) {
  EXPECT_THAT(report(measured()), HasSubstr("688 k/s   (661 k – 715 k)"));
}

TEST(ReportText, SaysWhenThereIsNoInterval) {
  TargetSnapshot target = measured();
  target.allocations.per_second = Estimate{688'012, {}, {}};
  target.cost.bursts = {{"taken", 5}};
  EXPECT_THAT(report(target), HasSubstr("688 k/s   (no interval yet from 5 bursts)"));
}

TEST(ReportText, SaysWhyAQuantityIsAbsent) {
  EXPECT_THAT(report(measured()), HasSubstr("churn          not measured: not identified from 24 bursts"));
}

TEST(ReportText, TakesTheDetailOfTheCollectorForTheReason) {
  TargetSnapshot target = measured();
  target.collectors[0] = {"alloc_bursts", "L2", CollectorState::kUnavailable, "exited", "process 7 ended"};
  EXPECT_THAT(report(target), HasSubstr("not measured: alloc_bursts is unavailable: process 7 ended"));
}

TEST(ReportText, ShowsCountsWhenEveryEventWasTraced) {
  TargetSnapshot target = measured();
  target.exact = true;
  target.allocations.counted = {61'204, 6'426'880, 0, 0, {}};
  const std::string text = report(target);
  EXPECT_THAT(text, HasSubstr("61 204   every one counted, 688 k/s"));
  EXPECT_THAT(text, HasSubstr("frees                     0   every one counted"));
}

TEST(ReportText, SumsUpWhatMeasuringCost) {
  TargetSnapshot target = measured();
  target.cost.charged_cpu_ratio = 0.0046;
  target.cost.probe_hits = 61'204;
  target.cost.coverage_ratio = 0.96;
  target.cost.dropped = {{"births_full", 1}};
  EXPECT_THAT(report(target, 200),
              HasSubstr("measuring cost 0.46 % of the target's CPU, budget 1 %; 24 bursts, 61 204 probe hits, 1 event "
                        "dropped; coverage 96 %\n  events dropped: births_full 1\n"));
}

TEST(ReportText, SortsCallSitesByShare) {
  TargetSnapshot target = measured();
  target.call_sites.resize(3);
  target.call_sites[0].symbol = "small";
  target.call_sites[0].share_ratio = 0.1;
  target.call_sites[1].symbol = "unknown";
  target.call_sites[1].share_ratio = std::numeric_limits<double>::quiet_NaN();
  target.call_sites[2].symbol = "large";
  target.call_sites[2].share_ratio = 0.9;
  const std::string text = report(target);
  EXPECT_LT(text.find("large"), text.find("small"));
  EXPECT_LT(text.find("small"), text.find("unknown"));
}

TEST(ReportText, SaysHowManyCallSitesItLeavesOut) {
  TargetSnapshot target = measured();
  for (int i = 0; i < 14; ++i) {
    CallSite& site = target.call_sites.emplace_back();
    site.symbol = "f" + std::to_string(i);
    site.share_ratio = 0.05;
  }
  EXPECT_THAT(report(target), HasSubstr("and 4 more with 20 % of the calls"));
}

TEST(ReportText, ShortensLongSymbolsInTheMiddle) {
  TargetSnapshot target = measured();
  target.call_sites.emplace_back().symbol = "begin_" + std::string(300, 'x') + "_end";
  EXPECT_THAT(report(target), testing::ContainsRegex("begin_x+…x+_end"));
}

TEST(ReportText, NamesThePlaceOfCodeWithoutSymbol) {
  TargetSnapshot target = measured();
  CallSite& site = target.call_sites.emplace_back();
  site.object = "/usr/lib/libssl.so.3";
  site.offset = 0x7c1d3;
  EXPECT_THAT(report(target), HasSubstr("libssl.so.3+0x7c1d3"));
}

TEST(ReportText, NeverLetsForeignTextReachTheTerminal) {
  TargetSnapshot target = measured();
  const std::string evil = "\x1b[2J\xff\r";
  target.name = target.runtime = target.allocator = evil;
  target.labels = {{evil, evil}};
  target.collectors[0] = {evil, evil, CollectorState::kIdle, evil, evil};
  target.call_sites = {{evil, evil, evil, 1, 1, {}, {}, {}, {}, {}, {{evil, evil, 1, evil}, {"", evil, 1, ""}}}};
  poolscope::model::GrowthChain& chain = target.growth_chains.emplace_back();
  chain.symbol = chain.object = evil;
  target.cost.bursts[evil] = target.cost.dropped[evil] = 1;
  Snapshot snapshot;
  snapshot.agent.version = evil;
  snapshot.targets = {target, unmeasured(CollectorState::kIdle, evil)};
  for (const std::string& text :
       {report_text(snapshot, {false, 100}), report_markdown(snapshot), top_screen(snapshot, {false, 100}, 40)}) {
    EXPECT_EQ(text.find_first_of("\x1b\r\xff"), std::string::npos) << text;
  }
}

TEST(ReportText, UsesColourOnlyWhenAsked) {
  const Snapshot snapshot = poolscope::test::realistic_snapshot();
  EXPECT_EQ(report_text(snapshot, {false, 100}).find('\x1b'), std::string::npos);
  EXPECT_NE(report_text(snapshot, {true, 100}).find('\x1b'), std::string::npos);
}

TEST(ReportText, IsTheSameTextWithColour) {
  const Snapshot snapshot = poolscope::test::realistic_snapshot();
  std::string coloured = report_text(snapshot, {true, 80});
  for (std::size_t start; (start = coloured.find('\x1b')) != std::string::npos;) {
    coloured.erase(start, coloured.find('m', start) + 1 - start);
  }
  EXPECT_EQ(coloured, report_text(snapshot, {false, 80}));
}

TEST(ReportText, NeverGetsWiderThanTheTerminal) {
  std::mt19937_64 random(3);
  std::vector<Snapshot> snapshots{poolscope::test::realistic_snapshot(), poolscope::test::full_snapshot()};
  for (int i = 0; i < 20; ++i) snapshots.push_back(poolscope::test::random_snapshot(random));
  for (const Snapshot& snapshot : snapshots) {
    for (const unsigned width : {40u, 60u, 80u, 96u, 100u, 200u}) {
      std::istringstream lines(report_text(snapshot, {false, width}));
      for (std::string line; std::getline(lines, line);) ASSERT_LE(display_width(line), width) << line;
    }
  }
}

struct NothingCase {
  const char* name;
  TargetSnapshot target;
  const char* why;
  const char* next;
};
class ReportOfNothing : public testing::TestWithParam<NothingCase> {};
TEST_P(ReportOfNothing, SaysWhyAndWhatToDoNext) {
  const std::string text = report(GetParam().target, 200);
  EXPECT_THAT(text, HasSubstr("Nothing was measured."));
  EXPECT_THAT(text, HasSubstr(GetParam().why));
  EXPECT_THAT(text, HasSubstr(GetParam().next));
  EXPECT_THAT(text, Not(HasSubstr("allocations  ")));
}
TargetSnapshot waiting(std::map<std::string, std::uint64_t> bursts) {
  TargetSnapshot target = unmeasured(CollectorState::kCollecting, "");
  target.cost.bursts = std::move(bursts);
  return target;
}
TargetSnapshot without_collectors() {
  TargetSnapshot target = unmeasured(CollectorState::kIdle, "");
  target.collectors.clear();
  return target;
}
INSTANTIATE_TEST_SUITE_P(
    Table, ReportOfNothing,
    testing::Values(
        NothingCase{"NoProcess", TargetSnapshot{}, "No process of this target was found.", "Start the program"},
        NothingCase{"NoCollector", without_collectors(), "No collector of allocations", "`poolscope doctor`"},
        NothingCase{"Unavailable", unmeasured(CollectorState::kUnavailable, "not permitted (EPERM)"),
                    "alloc_bursts is unavailable: not permitted (EPERM).", "`poolscope doctor`"},
        NothingCase{"ReasonOnly", unmeasured(CollectorState::kIdle, ""), "alloc_bursts is idle: some_reason.",
                    "`poolscope doctor`"},
        NothingCase{"NoBurstYet", waiting({}), "No burst was due yet.", "Watch longer"},
        NothingCase{"BurstsMissing", waiting({{"target_idle", 7}}), "No burst was taken: target_idle 7.",
                    "Watch longer"},
        NothingCase{"EmptyBursts", waiting({{"taken", 3}}), "3 bursts saw no allocation.", "Watch longer"}),
    [](const auto& c) { return c.param.name; });

TEST(ReportOfNoTarget, SaysHowToNameOne) {
  EXPECT_THAT(report_text(Snapshot{}, {false, 100}), HasSubstr("poolscope attach PID|NAME"));
}

}  // namespace
