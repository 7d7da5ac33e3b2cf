#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/text/distribution.h"
#include "exporters/text/line.h"
#include "exporters/text/pool_wording.h"
#include "exporters/text/report.h"
#include "tests/unit/exporters/sample_snapshot.h"

namespace {

using namespace poolscope::text;
using poolscope::model::CollectorState;
using poolscope::model::Estimate;
using poolscope::model::GcSummary;
using poolscope::model::PoolSummary;
using poolscope::model::PoolUse;
using poolscope::model::SizeSummary;
using poolscope::model::Snapshot;
using poolscope::model::TargetSnapshot;
using testing::HasSubstr;
using testing::Not;

PoolSummary busy_pool(std::string name, double gets_per_second = 1000) {
  PoolSummary pool;
  pool.name = std::move(name);
  pool.kind = "go_sync_pool";
  pool.gets_per_second = Estimate{gets_per_second, gets_per_second * 0.99, gets_per_second * 1.01};
  pool.puts_per_second = pool.gets_per_second;
  return pool;
}

TargetSnapshot go_target(std::vector<PoolSummary> pools = {}) {
  TargetSnapshot target;
  target.name = "a";
  target.runtime = "go";
  target.processes.resize(1);
  target.collectors = {{"go_runtime", "L0", CollectorState::kCollecting, "", ""},
                       {"go_pools", "L2", CollectorState::kCollecting, "", ""}};
  target.pools = std::move(pools);
  return target;
}

Snapshot of(const TargetSnapshot& target) {
  Snapshot snapshot;
  snapshot.targets = {target};
  return snapshot;
}

std::string report(const TargetSnapshot& target, unsigned width_columns = 120) {
  return report_text(of(target), {false, width_columns});
}

struct RemarkCase {
  const char* name;
  Estimate hit_ratio;
  bool exact;
  std::string remark;
};
class RemarkOnMisses : public testing::TestWithParam<RemarkCase> {};
TEST_P(RemarkOnMisses, IsMadeOnlyWhenItIsSure) {
  PoolSummary pool = busy_pool("p");
  pool.hit_ratio = GetParam().hit_ratio;
  EXPECT_EQ(remarkable(pool, GetParam().exact), GetParam().remark);
}
INSTANTIATE_TEST_SUITE_P(Table, RemarkOnMisses,
                         testing::Values(RemarkCase{"Sure", {0.69, 0.67, 0.71}, false, "misses 31 % of its gets"},
                                         RemarkCase{"IntervalReachesNinety", {0.85, 0.79, 0.91}, false, ""},
                                         RemarkCase{"NoInterval", {0.69, {}, {}}, false, ""},
                                         RemarkCase{
                                             "EveryEventTraced", {0.69, {}, {}}, true, "misses 31 % of its gets"},
                                         RemarkCase{"GoodPool", {0.99, 0.98, 1}, false, ""},
                                         RemarkCase{"GoodPoolTraced", {0.99, {}, {}}, true, ""}),
                         [](const auto& c) { return c.param.name; });

TEST(RemarkOnAPool, SaysWhatCollectionsThrowAwayWhenItMisses) {
  PoolSummary pool = busy_pool("p");
  pool.thrown_away_per_gc = 119.7;
  EXPECT_EQ(remarkable(pool, false), "") << "an emptied pool that still hits is no problem";
  pool.hit_ratio = Estimate{0.69, 0.67, 0.71};
  EXPECT_EQ(remarkable(pool, false), "misses 31 % of its gets; 120 objects are thrown away per GC");
}

TEST(RemarkOnAPool, SaysWhenObjectsDoNotComeBack) {
  PoolSummary pool = busy_pool("p");
  pool.puts_per_second = Estimate{750, 700, 800};
  EXPECT_EQ(remarkable(pool, false), "only 75 % as many puts as gets");
  pool.puts_per_second = Estimate{750, 500, 1000};
  EXPECT_EQ(remarkable(pool, false), "") << "the intervals overlap";
  pool.puts_per_second = Estimate{0, {}, {}};
  EXPECT_EQ(remarkable(pool, false), "");
  EXPECT_EQ(remarkable(pool, true), "only 0 % as many puts as gets");
}

TEST(RemarkOnAPool, NamesObjectsThatWerePutTwice) {
  PoolSummary pool = busy_pool("p");
  pool.use = PoolUse{{}, {}, {}, {}, {}, {}, {}, 1, {}};
  EXPECT_EQ(remarkable(pool, false), "1 object was put twice");
}

TEST(RemarkOnAPool, NamesObjectsThatWereUsedAfterPut) {
  PoolSummary pool = busy_pool("p");
  pool.use.emplace().used_after_put = 2;
  EXPECT_EQ(remarkable(pool, false), "2 objects were used after put");
}

TEST(RemarkOnAPool, NamesObjectsThatDoNotComeBackWhenItIsSure) {
  PoolSummary pool = busy_pool("p");
  auto& use = pool.use.emplace();
  use.never_put_after_seconds = 0.002;
  use.never_put = 20;
  use.never_put_ratio = Estimate{0.01, 0.006, 0.015};
  EXPECT_EQ(remarkable(pool, false), "1 % of the objects did not come back within 2 ms, nearly all others did");
  use.never_put_ratio = Estimate{0.001, 0.0003, 0.0035};
  EXPECT_EQ(remarkable(pool, false), "") << "as many as there are in any pool";
  use.never_put_ratio = Estimate{0.5, 0.2, 0.8};
  use.never_put = 4;
  EXPECT_EQ(remarkable(pool, false), "") << "too few to be sure";
}

struct CurveCase {
  const char* name;
  std::string kind;
  std::vector<std::pair<std::uint64_t, double>> curve;
  std::string text;
};
class MissCurveText : public testing::TestWithParam<CurveCase> {};
TEST_P(MissCurveText, SaysTheRatioOfAFewCaps) {
  PoolSummary pool;
  pool.kind = GetParam().kind;
  pool.miss_curve = GetParam().curve;
  EXPECT_EQ(miss_curve_text(pool), GetParam().text);
}
INSTANTIATE_TEST_SUITE_P(
    Table, MissCurveText,
    testing::Values(
        CurveCase{"Unknown", "custom", {}, ""},
        CurveCase{"Few", "custom", {{1, 0.5}, {2, 0.3}, {4, 0.12}}, "miss ratio with at most 1/4 idle: 50 % / 12 %"},
        CurveCase{"LastThree",
                  "custom",
                  {{1, 0.5}, {4, 0.12}, {16, 0.03}, {20, 0.02}, {64, 0.01}},
                  "miss ratio with at most 4/16/64 idle: 12 % / 3 % / 1 %"},
        CurveCase{"UpToTheFirstThatIsEnough",
                  "custom",
                  {{1, 0.5}, {4, 0.12}, {16, 0.004}, {64, 0.001}},
                  "miss ratio with at most 1/4/16 idle: 50 % / 12 % / 0.4 %"},
        CurveCase{"OneIsEnough", "custom", {{1, 0}}, "miss ratio with at most 1 idle: 0 %"},
        CurveCase{"OneIsEnoughWithoutALimit", "go_sync_pool", {{1, 0}}, ""},
        CurveCase{"OfAPoolWithoutALimit",
                  "go_sync_pool",
                  {{1, 0.5}},
                  "miss ratio with at most 1 idle, if sync.Pool had a limit: 50 %"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(RemarkOnAPool, TellsOfIdleBuffersThatAreMuchLargerThanWhatIsNeeded) {
  PoolSummary pool = busy_pool("p");
  pool.needed_bytes = SizeSummary{512, 2'048, 65'536, {}};
  pool.buffer_bytes = SizeSummary{65'536, 65'536, 65'536, {}};
  pool.idle = 24;
  pool.idle_bytes = 24 * 65'536;
  EXPECT_EQ(remarkable(pool, false),
            "idle buffers hold 1.5 MiB; half of the puts have room for 64 KiB or more, 95 % need at most 2 KiB");
  pool.idle_bytes = 65'536;
  EXPECT_EQ(remarkable(pool, false), "") << "too little to care";
  pool.idle_bytes = 24 * 65'536;
  pool.needed_bytes->p95 = 32'768;
  EXPECT_EQ(remarkable(pool, false), "") << "what is needed now and then";
}

struct ReasonCase {
  const char* name;
  std::string reason;
  std::optional<std::uint64_t> object_bytes;
  std::string text;
};
class WhyLengthsAreAbsent : public testing::TestWithParam<ReasonCase> {};
TEST_P(WhyLengthsAreAbsent, IsSaidInWords) {
  PoolSummary pool = busy_pool("p");
  pool.needed_bytes_reason = GetParam().reason;
  pool.object_bytes = GetParam().object_bytes;
  EXPECT_EQ(small_print(pool), GetParam().text);
}
INSTANTIATE_TEST_SUITE_P(
    Table, WhyLengthsAreAbsent,
    testing::Values(
        ReasonCase{"Known", "", {}, ""}, ReasonCase{"Reset", "reset_before_put", {}, "lengths: reset before put"},
        ReasonCase{"NoBuffer", "no_buffer", {}, "lengths: the objects hold no buffer"},
        ReasonCase{"NoBufferOfKnownSize", "no_buffer", 192, "lengths: objects of 192 B that hold no buffer"},
        ReasonCase{"NotSeen", "not_seen", {}, "lengths: no put was seen"},
        ReasonCase{
            "JustLearnt", "type_just_learnt", {}, "lengths: from the next burst on, its type was only just learnt"},
        ReasonCase{"TypeNotKnown", "type_not_known", {}, "lengths: the type of its objects is not known"},
        ReasonCase{"SizeNotGiven", "size_not_given", {}, "lengths: no function of its description tells them"},
        ReasonCase{"OfANewerAgent", "too_\x1bshort", {}, "lengths: too_\uFFFDshort"}),
    [](const auto& c) { return c.param.name; });

TEST(PoolTable, SaysWhatLiesIdle) {
  PoolSummary pool = busy_pool("p");
  pool.idle = 24;
  EXPECT_EQ(small_print(pool), "24 objects idle");
  pool.idle_bytes = 1'258'291;
  EXPECT_EQ(small_print(pool), "24 objects idle, 1.2 MiB");
  pool.needed_bytes_reason = "reset_before_put";
  EXPECT_EQ(small_print(pool), "24 objects idle, 1.2 MiB; lengths: reset before put");
}

TEST(PoolTable, SaysThatNoBurstSawAPool) {
  PoolSummary pool;
  pool.name = "fmt.ppFree";
  pool.needed_bytes_reason = "not_seen";
  EXPECT_EQ(small_print(pool), "no burst saw it used");
  pool.counted.watched_misses = 1;
  EXPECT_EQ(small_print(pool), "no burst saw it used; 1 miss since it is watched");
}

TEST(PoolTable, SaysWhatAPoolPublishesOfItself) {
  PoolSummary pool;
  pool.name = "frames";
  pool.needed_bytes_reason = "not_published";
  pool.published.emplace();
  EXPECT_EQ(small_print(pool), "");
  pool.idle = 8;
  pool.counted.gets = 1050;
  pool.counted.misses = 18;
  pool.published->borrowed = 2;
  pool.published->borrowed_high_water = Estimate{10, 10, 10};
  pool.published->max_idle_buffers = 8;
  pool.published->buffer_bytes = 65536;
  EXPECT_EQ(
      small_print(pool),
      "8 objects idle; 2 borrowed; at most 10 borrowed at a time of late; keeps at most 8 idle; buffers of 64 KiB; "
      "since the start 1 050 gets, 18 misses");
}

TEST(PoolTable, ShowsTheBusiestPoolFirstAndPoolsWithoutRateLast) {
  PoolSummary unseen;
  unseen.name = "unseen";
  const std::string text = report(go_target({busy_pool("slow", 10), unseen, busy_pool("fast", 1000)}));
  EXPECT_LT(text.find("fast"), text.find("slow"));
  EXPECT_LT(text.find("slow"), text.find("unseen"));
}

TEST(PoolTable, ShowsLengthsAndCapacitiesWithTheirUnitOnce) {
  PoolSummary pool = busy_pool("p");
  pool.needed_bytes = SizeSummary{960, 4'607, 9'215, {}};
  pool.buffer_bytes = SizeSummary{2'047, 8'191, 16'383, {}};
  EXPECT_THAT(report(go_target({pool})), testing::ContainsRegex("960 B / 4.5 KiB +2 / 8 KiB"));
}

TEST(PoolTable, MarksPoolsOfLibraries) {
  PoolSummary own = busy_pool("main.p"), library = busy_pool("fmt.ppFree"), other = busy_pool("0x5a31c0");
  own.element = library.element = "*T";
  library.library = "fmt";
  other.library = "net/http";
  const std::string text = report(go_target({own, library, other}));
  EXPECT_THAT(text, HasSubstr("  main.p  *T\n"));
  EXPECT_THAT(text, HasSubstr("  fmt.ppFree  *T, library\n"));
  EXPECT_THAT(text, HasSubstr("  0x5a31c0  of net/http\n"));
}

TEST(PoolTable, ShortensLongNamesInTheMiddle) {
  PoolSummary pool = busy_pool("begin_" + std::string(300, 'x') + "_end");
  pool.element = "first_" + std::string(300, 'y') + "_last";
  for (const unsigned width : {60u, 80u, 100u, 120u}) {
    const std::string text = report(go_target({pool}), width);
    EXPECT_THAT(text, testing::ContainsRegex("begin_x+…x+_end  first_y+…y+_last"));
  }
}

TEST(PoolTable, MovesColumnsBelowOnANarrowTerminal) {
  PoolSummary pool = busy_pool("p");
  pool.buffer_bytes = SizeSummary{2'047, 8'191, 16'383, {}};
  pool.regrowths_per_second = Estimate{55, {}, {}};
  pool.thrown_away_per_gc = 12;
  EXPECT_THAT(report(go_target({pool}), 80), HasSubstr("    capacity 2 / 8 KiB, grew 55/s, 12 gone per GC\n"));
  EXPECT_THAT(report(go_target({pool}), 120), Not(HasSubstr("gone per GC")));
}

TEST(PoolTable, ShowsCountsWhenEveryEventWasTraced) {
  TargetSnapshot target = go_target({busy_pool("p")});
  target.exact = true;
  target.pools[0].counted = {61'204, 61'203, 12, 7, {}, {}};
  target.pools[0].hit_ratio = Estimate{0.9998, {}, {}};
  const std::string text = report(target);
  EXPECT_THAT(text, testing::ContainsRegex("61 204 +100 % +12 +61 203 +– +– +7 +–"));
  EXPECT_THAT(text, Not(HasSubstr("gets/s")));
  EXPECT_THAT(text, Not(HasSubstr("frees")));
}

TEST(PoolTable, SaysHowManyPoolsItLeavesOut) {
  TargetSnapshot target = go_target();
  for (int i = 0; i < 60; ++i) target.pools.push_back(busy_pool("p" + std::to_string(i)));
  EXPECT_THAT(report(target), HasSubstr("  and 48 more with fewer gets\n"));
  EXPECT_THAT(report_markdown(of(target)), HasSubstr("and 10 more pools with fewer gets\n"));
}

TEST(ReportOfGo, HasNoRowsOfMallocBesideTheRuntimesOwn) {
  TargetSnapshot target = go_target();
  target.gc.emplace().allocated_bytes_per_second = 61.2e6;
  target.gc->allocated_objects_per_second = 1e6;
  const std::string text = report(target);
  EXPECT_THAT(text, HasSubstr("  allocated        58.4 MiB/s\n"));
  for (const char* of_malloc : {"frees", "heap turnover", "alloc_bursts", "native"}) {
    EXPECT_THAT(text, Not(HasSubstr(of_malloc)));
  }
}

TEST(ReportOfGo, SaysWhyThereIsARateOfBytesAlone) {
  TargetSnapshot target = go_target();
  target.gc.emplace().allocated_bytes_per_second = 61.2e6;
  EXPECT_THAT(report(target),
              HasSubstr("allocations    not measured: the runtime's counts of objects could not be read"));
}

TEST(ReportOfGo, ShowsNativeProgramsOfTheSameTraceBesideIt) {
  TargetSnapshot target = go_target();
  target.exact = true;
  target.gc.emplace().cycles = 3;
  target.gc->allocated_by_size_class = {{16, 5}};
  target.allocations.counted.allocations = 12;
  SizeSummary& sizes = target.allocations.size_bytes.emplace();
  sizes.p50 = 32;
  sizes.buckets = {{64, 12}};
  target.growth_chains.emplace_back().symbol = "grow";
  const std::string text = report(target);
  EXPECT_THAT(text, testing::ContainsRegex("allocations +12   every one counted; native programs\n"));
  EXPECT_THAT(text, testing::ContainsRegex("collections +3   since the program started"));
  EXPECT_THAT(text, HasSubstr("sizes   p50 32 B"));
  EXPECT_THAT(text, HasSubstr("sizes   of all Go objects since the program started"));
  EXPECT_THAT(text, HasSubstr("slices that grew by append, buffers that grew by realloc"));
  EXPECT_THAT(report_markdown(of(target)), HasSubstr("### Sizes of Go objects\n"));
}

TEST(ReportOfGo, SaysWhenTheHeapIsThatOfAnEndedProcess) {
  TargetSnapshot target = go_target();
  GcSummary& gc = target.gc.emplace();
  gc.cycles = 3;
  gc.live_bytes = 1 << 20;
  gc.goal_bytes = 4 << 20;
  gc.gogc_percent = 100;
  EXPECT_THAT(report(target), testing::ContainsRegex("live heap +1 MiB   the next collection starts at 4 MiB"));
  gc.heap_of_ended_process = true;
  EXPECT_THAT(report(target),
              testing::ContainsRegex("live heap +1 MiB   when the last process ended; the next collection "
                                     "would have started at +4 MiB"));
}

TEST(ReportOfGo, ShowsWhatTheRuntimeCountsAsSuch) {
  TargetSnapshot target = go_target();
  GcSummary& gc = target.gc.emplace();
  gc.allocated_bytes = 1 << 30;
  gc.allocated_objects = 5'000'000;
  gc.allocated_bytes_per_second = 2 << 20;
  gc.allocated_objects_per_second = 12'345;
  target.allocations.source = "runtime";
  target.allocations.per_second = Estimate{12'345, 12'345, 12'345};
  target.allocations.bytes_per_second = Estimate{2 << 20, 2 << 20, 2 << 20};
  const std::string text = report(target);
  EXPECT_THAT(
      text,
      HasSubstr("  allocations        12.3 k/s   5 M objects since the program started, counted by the runtime\n"));
  EXPECT_THAT(text, HasSubstr("  allocated           2 MiB/s   1 GiB since the program started\n"));
  EXPECT_THAT(text, Not(HasSubstr("frees")));
  EXPECT_THAT(text, Not(HasSubstr("no interval")));
}

TEST(ReportOfGo, SaysThatEveryEventIsTraced) {
  TargetSnapshot target = go_target({busy_pool("p")});
  target.gc.emplace().cycles = 1;
  target.exact = true;
  EXPECT_THAT(report(target), HasSubstr("every event traced, no budget\n"));
  EXPECT_THAT(report(target), Not(HasSubstr("budget 1 %")));
}

TEST(ReportOfGo, GivesTheCostInSecondsWhenTheProgramDidNotTellItsCpuTime) {
  TargetSnapshot target = go_target();
  target.gc.emplace().cycles = 1;
  target.cost.charged_cpu_seconds = 0.00012;
  EXPECT_THAT(report(target), HasSubstr("measuring cost 120 µs of CPU time, "));
}

TEST(ReportOfGo, SaysNothingOfBurstsWhereNoneIsPlanned) {
  TargetSnapshot target = go_target();
  target.gc.emplace().cycles = 1;
  EXPECT_THAT(report(target), Not(HasSubstr("burst")));
  target.cost.bursts = {{"taken", 3}};
  EXPECT_THAT(report(target), HasSubstr("3 bursts"));
}

TEST(ReportOfGo, SaysOnceWhyAllocationsAreAbsentWhenOnlyPoolsWereSeen) {
  TargetSnapshot target = go_target({busy_pool("p")});
  target.collectors[0] = {"go_runtime", "L0", CollectorState::kUnavailable, "no_symbols", "no runtime.memstats in /x"};
  EXPECT_THAT(report(target),
              HasSubstr("  allocations    not measured: go_runtime is unavailable: no runtime.memstats"));
  EXPECT_THAT(report(target), Not(HasSubstr("frees")));
}

TEST(ReportOfGo, SaysWhichPartsTheRuntimeDoesNotGive) {
  TargetSnapshot target = go_target();
  target.gc.emplace().allocated_bytes = 1 << 30;
  EXPECT_THAT(report(target),
              HasSubstr("  allocated             1 GiB   since the program started; no rate: nothing was booked"));
  EXPECT_THAT(report(target), HasSubstr("  live heap      not measured: no collection has run yet\n"));
  target.gc->cycles = 3;
  EXPECT_THAT(report(target), HasSubstr("  GC CPU         not measured: the runtime did not give it\n"));
  EXPECT_THAT(report(target),
              HasSubstr("  churn          not measured: too few collections have run while it was watched\n"));
  target.collectors[0].detail = "Go 1.18 keeps no CPU statistics";
  EXPECT_THAT(report(target), HasSubstr("  GC CPU         not measured: Go 1.18 keeps no CPU statistics\n"));
}

TEST(ReportOfGo, NamesTheSettingsThatDecideTheNextCollection) {
  TargetSnapshot target = go_target();
  GcSummary& gc = target.gc.emplace();
  gc.live_bytes = 40 << 20;
  gc.goal_bytes = 80 << 20;
  gc.gogc_percent = 100;
  gc.memory_limit_bytes = 512 << 20;
  EXPECT_THAT(report(target), HasSubstr("the next collection starts at 80 MiB (GOGC 100, limit 512 MiB)\n"));
}

TEST(ReportOfGo, WithoutAnythingMeasuredAsksTheRuntimeCollectorForTheReason) {
  TargetSnapshot target = go_target();
  target.collectors = {{"alloc_bursts", "L2", CollectorState::kUnavailable, "no_allocator", "no malloc"},
                       {"go_runtime", "L0", CollectorState::kUnavailable, "not_permitted", "EPERM"}};
  EXPECT_THAT(report(target), HasSubstr("Nothing was measured.\n  go_runtime is unavailable: EPERM.\n"));
  target.collectors.clear();
  EXPECT_THAT(report(target), HasSubstr("No collector reads the Go runtime."));
}

TEST(GcSizeBuckets, PutASizeClassIntoTheRowBelowItsUpperEnd) {
  GcSummary gc;
  gc.allocated_by_size_class = {{16, 1}, {24, 1}, {32, 2}};
  const auto rows = size_rows(gc_size_buckets(gc));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(size_label(rows[0]), "8 – 16 B");
  EXPECT_EQ(rows[1].share, 0.75);
  gc.allocated_by_size_class = {{0, 1}};
  EXPECT_EQ(gc_size_buckets(gc)[0].first, 0u);
}

TEST(TopScreenOfGo, TakesBytesAndChurnFromTheRuntime) {
  TargetSnapshot target = go_target();
  target.gc.emplace().allocated_bytes_per_second = 61.2e6;
  target.gc->churn_ratio = 0.948;
  EXPECT_THAT(top_screen(of(target), {false, 100}, 24), testing::ContainsRegex("a +1 +– +58.4 MiB +94.8 %"));
}

TEST(TopScreenOfGo, ShowsThreePoolsPerTargetWhereThereIsRoom) {
  Snapshot snapshot;
  for (const char* name : {"one", "two"}) {
    TargetSnapshot& target = snapshot.targets.emplace_back(go_target());
    target.name = name;
    for (int i = 0; i < 5; ++i) target.pools.push_back(busy_pool("p" + std::to_string(i), 100 - i));
  }
  const std::string screen = top_screen(snapshot, {false, 100}, 24);
  for (const char* shown : {"p0  one", "p2  one", "p0  two", "p2  two"}) EXPECT_THAT(screen, HasSubstr(shown));
  EXPECT_THAT(screen, Not(HasSubstr("p3")));
  EXPECT_THAT(top_screen(snapshot, {false, 100}, 7), HasSubstr("p0  one"));
  EXPECT_THAT(top_screen(snapshot, {false, 100}, 6), Not(HasSubstr("gets/s"))) << "a header without a pool";
}

TEST(TopScreenOfGo, LeavesHalfOfTheRoomToCallSites) {
  TargetSnapshot target = go_target();
  for (int i = 0; i < 3; ++i) target.pools.push_back(busy_pool("p" + std::to_string(i)));
  for (int i = 0; i < 9; ++i) target.call_sites.emplace_back().symbol = "site" + std::to_string(i);
  const std::string screen = top_screen(of(target), {false, 100}, 14);
  EXPECT_THAT(screen, HasSubstr("p2  a"));
  EXPECT_THAT(screen, HasSubstr("site1"));
  EXPECT_THAT(screen, Not(HasSubstr("site3")));
}

TEST(ReportMarkdownOfPools, HasARowPerPoolAndSaysWhatIsRemarkable) {
  PoolSummary pool = busy_pool("main.a|b");
  pool.hit_ratio = Estimate{0.69, 0.67, 0.71};
  pool.needed_bytes_reason = "reset_before_put";
  const std::string text = report_markdown(of(go_target({pool})));
  EXPECT_THAT(text, HasSubstr("| `main.a\\|b` |  |  | 1 k | 69 % (67 – 71) | – | 1 k | – | – | – | – |\n"));
  EXPECT_THAT(text, HasSubstr("- `main.a\\|b` misses 31 % of its gets\n"));
  EXPECT_THAT(text, HasSubstr("- `main.a\\|b`: lengths: reset before put\n"));
}

TEST(TextOfPools, NeverLetsForeignTextReachTheTerminal) {
  const std::string evil = "\x1b[2J\xff\r";
  PoolSummary pool = busy_pool(evil);
  pool.element = pool.library = pool.kind = pool.new_function = pool.needed_bytes_reason = evil;
  pool.use = PoolUse{{}, {}, {}, {}, {}, {}, {}, 1, {}};
  const Snapshot snapshot = of(go_target({pool}));
  for (const std::string& text :
       {report_text(snapshot, {false, 60}), report_markdown(snapshot), top_screen(snapshot, {false, 100}, 40)}) {
    EXPECT_EQ(text.find_first_of("\x1b\r\xff"), std::string::npos) << text;
    EXPECT_THAT(text, HasSubstr("[2J"));
  }
}

}  // namespace
