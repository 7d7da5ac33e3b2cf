#include "agent/estimate/gc.h"

#include <vector>

#include <gtest/gtest.h>

namespace poolscope::estimate {
namespace {

using model::GcRecord;
using model::ProcessKey;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr ProcessKey kFirst{100, 1}, kSecondProcess{200, 1};

GcRecord record(ProcessKey process, std::uint64_t start_s, std::uint64_t length_s) {
  GcRecord made;
  made.process = process;
  made.start_ns = start_s * kSecond;
  made.length_ns = length_s * kSecond;
  return made;
}

std::optional<model::GcSummary> summarize(const std::vector<GcRecord>& records, std::vector<ProcessKey> running) {
  model::GcCounters total;
  for (const GcRecord& each : records) add(total, each.counted);
  return summarize_gc(total, records, running);
}

TEST(Gc, NothingComesOfNothing) {
  EXPECT_FALSE(summarize({}, {}));
}

TEST(Gc, CountersAddUpOverRecordsAndProcesses) {
  GcRecord life = record(kFirst, 10, 0), later = record(kFirst, 10, 5), other = record(kSecondProcess, 12, 0);
  life.counted = {.cycles = 5,
                  .pause_ns = 1'000'000,
                  .allocated_bytes = 1000,
                  .bytes_of_objects = 1000,
                  .allocated_objects = 10,
                  .allocated_objects_by_class = {{16, 4}, {32, 6}}};
  later.counted = {.cycles = 2,
                   .allocated_bytes = 200,
                   .bytes_of_objects = 200,
                   .allocated_objects = 3,
                   .allocated_objects_by_class = {{16, 3}}};
  other.counted = {
      .cycles = 1, .pause_ns = 2'000'000, .allocated_bytes = 30, .bytes_of_objects = 30, .allocated_objects = 1};
  const auto gc = summarize({life, later, other}, {kFirst, kSecondProcess});
  ASSERT_TRUE(gc);
  EXPECT_EQ(gc->cycles, 8u);
  EXPECT_DOUBLE_EQ(gc->pause_seconds, 0.003);
  EXPECT_EQ(gc->allocated_bytes, 1230u);
  EXPECT_EQ(gc->allocated_objects, 14u);
  EXPECT_EQ(gc->allocated_by_size_class, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{16, 7}, {32, 6}}));
}

TEST(Gc, CountersStayWhenAProcessEndsAndItsHeapGoes) {
  GcRecord first = record(kFirst, 10, 0), second = record(kSecondProcess, 10, 0);
  first.counted.cycles = 5;
  first.heap.live_bytes = 1000;
  second.counted.cycles = 3;
  second.heap.live_bytes = 70;
  EXPECT_EQ(summarize({first, second}, {kFirst, kSecondProcess})->live_bytes, 1070u);
  const auto after = summarize({first, second}, {kSecondProcess});
  EXPECT_EQ(after->cycles, 8u);
  EXPECT_EQ(after->live_bytes, 70u);
}

TEST(Gc, HeapOfALastProcessIsToldAndMarkedWhenItIsAskedFor) {
  GcRecord early = record(kFirst, 10, 2), late = record(kSecondProcess, 10, 4);
  early.heap = {.live_bytes = 1000, .goal_bytes = 2000, .gogc_percent = 50, .memory_limit_bytes = std::nullopt};
  late.heap = {.live_bytes = 70, .goal_bytes = 140, .gogc_percent = 100, .memory_limit_bytes = std::nullopt};
  late.counted.allocated_bytes = 5000;
  const std::vector<GcRecord> records{early, late};
  const auto gc = summarize_gc({.allocated_bytes = 5000}, records, {}, kSecondProcess);
  EXPECT_TRUE(gc->heap_of_ended_process);
  EXPECT_EQ(gc->live_bytes, 70u);
  EXPECT_EQ(gc->goal_bytes, 140u);
  EXPECT_EQ(gc->gogc_percent, 100);
  model::AllocationSummary allocations;
  add_runtime_rates(*gc, allocations);
  EXPECT_TRUE(allocations.bytes_per_second);
  EXPECT_FALSE(allocations.heap_turnover_per_second) << "the rate is of both, the heap of one";
}

TEST(Gc, HeapOfAnEndedProcessIsNotToldWhileOthersRun) {
  GcRecord ended = record(kFirst, 10, 4), runs = record(kSecondProcess, 10, 4);
  ended.heap.live_bytes = 1000;
  runs.heap.live_bytes = 70;
  const std::vector<GcRecord> records{ended, runs};
  const auto gc = summarize_gc({.cycles = 1}, records, std::vector{kSecondProcess}, kFirst);
  EXPECT_FALSE(gc->heap_of_ended_process);
  EXPECT_EQ(gc->live_bytes, 70u);
}

TEST(Gc, CountersOutliveTheirRecords) {
  const auto gc = summarize_gc({.cycles = 9}, {}, {});
  ASSERT_TRUE(gc);
  EXPECT_EQ(gc->cycles, 9u);
  EXPECT_EQ(gc->live_bytes, std::nullopt);
}

TEST(Gc, RateIsOfTheRangeNotOfTheLifeBefore) {
  GcRecord life = record(kFirst, 10, 0), later = record(kFirst, 10, 4);
  life.counted.allocated_bytes = 1'000'000'000;
  EXPECT_EQ(summarize({life}, {kFirst})->allocated_bytes_per_second, std::nullopt);
  later.counted.allocated_bytes = 800;
  EXPECT_DOUBLE_EQ(summarize({life, later}, {kFirst})->allocated_bytes_per_second.value(), 200);
}

TEST(Gc, RatesOfProcessesSideBySideAddUp) {
  GcRecord first = record(kFirst, 10, 4), second = record(kSecondProcess, 10, 4);
  first.counted.allocated_bytes = 400;
  second.counted.allocated_bytes = 40;
  EXPECT_DOUBLE_EQ(summarize({first, second}, {kFirst})->allocated_bytes_per_second.value(), 110);
}

struct ChurnCase {
  const char* name;
  std::uint64_t cycles, allocated_bytes, survived_bytes;
  std::optional<double> churn_ratio;
};
class Churn : public testing::TestWithParam<ChurnCase> {};
TEST_P(Churn, IsWhatDidNotSurvive) {
  GcRecord watched = record(kFirst, 10, 4);
  watched.cycles_are_watched = true;
  watched.watched = {.cycles = GetParam().cycles,
                     .followed_cycles = GetParam().cycles,
                     .allocated_bytes = GetParam().allocated_bytes,
                     .survived_bytes_at_least = GetParam().survived_bytes,
                     .survived_bytes_at_most = GetParam().allocated_bytes};
  EXPECT_EQ(summarize({watched}, {kFirst})->churn_ratio, GetParam().churn_ratio);
}
INSTANTIATE_TEST_SUITE_P(Table, Churn,
                         testing::Values(ChurnCase{"AllDied", 10, 1000, 0, 1.0},
                                         ChurnCase{"AQuarterLived", 10, 1000, 250, 0.75},
                                         ChurnCase{"AllLived", 10, 1000, 1000, 0.0},
                                         ChurnCase{"TooFewCycles", 2, 1000, 0, std::nullopt},
                                         ChurnCase{"NothingAllocated", 10, 0, 0, std::nullopt}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(Gc, CpuRatiosAreOfTheCpuTimeOfTheSameRecords) {
  GcRecord unknown = record(kFirst, 10, 2), known = record(kFirst, 12, 2), unwatched = record(kSecondProcess, 12, 2);
  unknown.cpu_ns = kSecond;  // work.totaltime was not found
  known.cpu_ns = 2 * kSecond;
  known.counted.gc_cpu_ns = kSecond / 2;
  known.cycles_are_watched = true;
  known.watched.assist_ns = kSecond / 10;
  unwatched.cpu_ns = 2 * kSecond;
  unwatched.counted.gc_cpu_ns = 0;
  const auto gc = summarize({unknown, known, unwatched}, {kFirst});
  EXPECT_DOUBLE_EQ(gc->cpu_ratio.value(), 0.125);
  EXPECT_DOUBLE_EQ(gc->assist_cpu_ratio.value(), 0.05);
  EXPECT_EQ(summarize({unknown}, {kFirst})->cpu_ratio, std::nullopt);
}

TEST(Gc, MarkingOnIdleProcessorsIsNoCpuTimeOfTheProgram) {
  GcRecord half_idle = record(kFirst, 10, 2);
  half_idle.cpu_ns = 2 * kSecond;
  half_idle.counted.gc_cpu_ns = kSecond / 4;
  half_idle.cycles_are_watched = true;
  half_idle.watched.idle_mark_ns = kSecond;
  EXPECT_DOUBLE_EQ(summarize({half_idle}, {kFirst})->cpu_ratio.value(), 0.25);
}

TEST(Gc, CpuRatioIsNeverMoreThanAll) {
  GcRecord record_of_ticks = record(kFirst, 10, 1);
  record_of_ticks.cpu_ns = 10;
  record_of_ticks.counted.gc_cpu_ns = 15;
  EXPECT_EQ(summarize({record_of_ticks}, {kFirst})->cpu_ratio, 1.0);
}

TEST(Gc, HeapIsTheLatestOfEachProcess) {
  GcRecord before = record(kFirst, 10, 2), after = record(kFirst, 12, 2), other = record(kSecondProcess, 11, 2);
  before.heap = {.live_bytes = 100, .goal_bytes = 200, .gogc_percent = 50, .memory_limit_bytes = 7};
  after.heap = {.live_bytes = 110, .goal_bytes = 220, .gogc_percent = 100, .memory_limit_bytes = 8};
  other.heap = {.live_bytes = 1, .goal_bytes = 2, .gogc_percent = 100, .memory_limit_bytes = std::nullopt};
  const auto gc = summarize({before, other, after}, {kFirst, kSecondProcess});
  EXPECT_EQ(gc->live_bytes, 111u);
  EXPECT_EQ(gc->goal_bytes, 222u);
  EXPECT_EQ(gc->gogc_percent, 100);
  EXPECT_EQ(gc->memory_limit_bytes, std::nullopt) << "the processes differ";
}

TEST(Gc, HeapOfATargetIsUnknownWhenThatOfAProcessIs) {
  GcRecord first = record(kFirst, 10, 2), fresh = record(kSecondProcess, 10, 2);
  first.heap.live_bytes = 100;
  first.heap.goal_bytes = 200;
  fresh.heap.goal_bytes = 4;
  const auto gc = summarize({first, fresh}, {kFirst, kSecondProcess});
  EXPECT_EQ(gc->live_bytes, std::nullopt);
  EXPECT_EQ(gc->goal_bytes, 204u);
}

TEST(Gc, WhatAProcessCountedBeforeItIsLookedAtAnewIsAddedOnce) {
  GcTotals totals;
  GcRecord life = record(kFirst, 10, 0), later = record(kFirst, 10, 5), again = record(kFirst, 20, 0);
  life.counted = {.cycles = 5, .allocated_bytes = 1000, .allocated_objects_by_class = {{16, 4}}};
  later.counted = {.cycles = 2, .allocated_bytes = 200, .allocated_objects_by_class = {{16, 1}}};
  again.counted = {.cycles = 8, .allocated_bytes = 1250, .allocated_objects_by_class = {{16, 6}, {32, 1}}};
  for (GcRecord* each : {&life, &later, &again}) totals.add(*each);
  EXPECT_EQ(totals.total().cycles, 8u);
  EXPECT_EQ(totals.total().allocated_bytes, 1250u);
  EXPECT_EQ(totals.total().allocated_objects_by_class, (std::map<std::uint64_t, std::uint64_t>{{16, 6}, {32, 1}}));
  EXPECT_EQ(again.counted.cycles, 1u);
}

TEST(Gc, AnotherProgramOfTheSameProcessCountsFromTheBeginning) {
  GcTotals totals;
  GcRecord first = record(kFirst, 10, 0), second = record(kFirst, 20, 0);
  first.counted.cycles = 5;
  second.counted.cycles = 3;
  totals.add(first);
  totals.forget(kFirst);
  totals.add(second);
  EXPECT_EQ(totals.total().cycles, 8u);
}

TEST(Gc, WhoCountedMoreBeforeRunsAnotherProgramNow) {
  GcTotals totals;
  GcRecord first = record(kFirst, 10, 0), second = record(kFirst, 20, 0);
  first.counted = {.cycles = 5, .allocated_bytes = 100};
  second.counted = {.cycles = 3, .allocated_bytes = 400};
  totals.add(first);
  totals.add(second);
  EXPECT_EQ(totals.total().cycles, 8u);
  EXPECT_EQ(totals.total().allocated_bytes, 500u);
}

TEST(Gc, OfEndedProcessesOnlyTheSumStays) {
  GcTotals totals;
  for (const ProcessKey& process : {kFirst, kSecondProcess}) {
    GcRecord life = record(process, 10, 0);
    life.counted.cycles = 5;
    totals.add(life);
  }
  totals.forget_if([](const ProcessKey& key) { return key == kFirst; });
  EXPECT_EQ(totals.total().cycles, 10u);
  GcRecord another = record(kFirst, 20, 0), again = record(kSecondProcess, 20, 0);  // one is new, one is looked at anew
  another.counted.cycles = again.counted.cycles = 6;
  totals.add(another);
  totals.add(again);
  EXPECT_EQ(another.counted.cycles, 6u) << "what was known of the ended process was kept";
  EXPECT_EQ(again.counted.cycles, 1u);
  EXPECT_EQ(totals.total().cycles, 17u);
}

TEST(Gc, ThereIsNoRateWhileTheRuntimeBooksNothing) {
  GcRecord life = record(kFirst, 10, 0), quiet = record(kFirst, 10, 5);
  life.counted.allocated_bytes = 1000;
  const auto gc = summarize({life, quiet}, {kFirst});
  ASSERT_TRUE(gc);
  EXPECT_EQ(gc->allocated_bytes, 1000u);
  EXPECT_FALSE(gc->allocated_bytes_per_second);
  EXPECT_FALSE(gc->allocated_objects_per_second);
}

TEST(Gc, ACollectionThatBooksNothingIsARateOfZero) {
  GcRecord life = record(kFirst, 10, 0), collected = record(kFirst, 10, 5);
  collected.counted.cycles = 1;
  EXPECT_EQ(summarize({life, collected}, {kFirst})->allocated_bytes_per_second, 0);
}

TEST(Gc, RatesOfTheRuntimeAreThoseOfTheTarget) {
  GcRecord life = record(kFirst, 10, 0), later = record(kFirst, 10, 5);
  later.counted.allocated_bytes = later.counted.bytes_of_objects = 5000;
  later.counted.allocated_objects = 50;
  later.heap.live_bytes = 500;
  const auto gc = summarize({life, later}, {kFirst});
  model::AllocationSummary allocations;
  add_runtime_rates(*gc, allocations);
  EXPECT_EQ(allocations.source, "runtime");
  EXPECT_EQ(allocations.per_second, (model::Estimate{10, 10, 10}));
  EXPECT_EQ(allocations.bytes_per_second, (model::Estimate{1000, 1000, 1000}));
  EXPECT_EQ(allocations.heap_turnover_per_second, (model::Estimate{2, 2, 2}));
}

struct ObjectsCase {
  const char* name;
  std::uint64_t bytes_of_objects;  // of 100 000 that were allocated
  bool are_known;
};
class Objects : public testing::TestWithParam<ObjectsCase> {};
TEST_P(Objects, AreKnownWhereTheyAreThoseOfTheBytes) {
  GcRecord life = record(kFirst, 10, 0), later = record(kFirst, 10, 5);
  later.counted = {.allocated_bytes = 100'000,
                   .bytes_of_objects = GetParam().bytes_of_objects,
                   .allocated_objects = 50,
                   .allocated_objects_by_class = {{2048, 50}}};
  const auto gc = summarize({life, later}, {kFirst});
  EXPECT_EQ(gc->allocated_bytes_per_second, 20'000);
  EXPECT_EQ(gc->allocated_objects.has_value(), GetParam().are_known);
  EXPECT_EQ(gc->allocated_objects_per_second.has_value(), GetParam().are_known);
  EXPECT_EQ(gc->allocated_by_size_class.empty(), !GetParam().are_known);
}
INSTANTIATE_TEST_SUITE_P(Table, Objects,
                         testing::Values(ObjectsCase{"All", 100'000, true},
                                         ObjectsCase{"AllButOnePercent", 99'000, true},
                                         ObjectsCase{"LagBehind", 98'999, false}, ObjectsCase{"NoneWasRead", 0, false},
                                         ObjectsCase{"OfBytesBefore", 101'001, false}),
                         [](const auto& each) { return std::string(each.param.name); });

// A record that could not read the objects (bytes alone), and the next one, which makes up for it.
std::vector<GcRecord> lagging_records() {
  GcRecord life = record(kFirst, 10, 0), refused = record(kFirst, 10, 5), makes_up = record(kFirst, 15, 5);
  life.counted = {.allocated_bytes = 1000, .bytes_of_objects = 1000, .allocated_objects = 10};
  refused.counted.allocated_bytes = 4000;
  makes_up.counted = {.allocated_bytes = 6000, .bytes_of_objects = 10'000, .allocated_objects = 100};
  return {life, refused, makes_up};
}

TEST(Gc, ObjectsThatLagAreAbsentUntilTheyAreMadeUpFor) {
  auto records = lagging_records();
  EXPECT_EQ(summarize(records, {kFirst})->allocated_objects, 110u);
  EXPECT_EQ(summarize(records, {kFirst})->allocated_objects_per_second, 10);
  records.pop_back();
  EXPECT_FALSE(summarize(records, {kFirst})->allocated_objects);
  EXPECT_FALSE(summarize(records, {kFirst})->allocated_objects_per_second);
}

TEST(Gc, ObjectsThatWereAllocatedBeforeTheRangeAreNoRateOfIt) {
  const auto records = lagging_records();
  model::GcCounters total;
  for (const GcRecord& each : records) add(total, each.counted);
  const auto gc = summarize_gc(total, std::span(records).last(1), std::vector{kFirst});
  EXPECT_EQ(gc->allocated_objects, 110u);
  EXPECT_EQ(gc->allocated_bytes_per_second, 1200);
  EXPECT_FALSE(gc->allocated_objects_per_second);
}

TEST(Gc, ObjectsOfOneProcessOfTwoAreNotThoseOfTheTarget) {
  GcRecord read = record(kFirst, 10, 5), refused = record(kSecondProcess, 10, 5);
  read.counted = {.allocated_bytes = 5000, .bytes_of_objects = 5000, .allocated_objects = 50};
  refused.counted.allocated_bytes = 5000;
  const auto gc = summarize({read, refused}, {kFirst, kSecondProcess});
  EXPECT_EQ(gc->allocated_bytes_per_second, 2000);
  EXPECT_FALSE(gc->allocated_objects);
  EXPECT_FALSE(gc->allocated_objects_per_second);
}

TEST(Gc, ObjectsOfAProcessLookedAtAnewAreAddedOnce) {
  GcTotals totals;
  auto records = lagging_records();
  records.pop_back();  // the first look ends behind
  GcRecord again = record(kFirst, 30, 0);
  again.counted = {.allocated_bytes = 7000, .bytes_of_objects = 7000, .allocated_objects = 70};
  for (GcRecord& each : records) totals.add(each);
  totals.add(again);
  EXPECT_EQ(totals.total().allocated_objects, 70u);
  EXPECT_EQ(totals.total().bytes_of_objects, totals.total().allocated_bytes);
}

TEST(Gc, RatesOfTheRuntimeDoNotReplaceWhatProbesSaw) {
  GcRecord life = record(kFirst, 10, 0), later = record(kFirst, 10, 5);
  later.counted.allocated_bytes = 5000;
  model::AllocationSummary allocations;
  allocations.per_second = model::Estimate{7, {}, {}};
  add_runtime_rates(*summarize({life, later}, {kFirst}), allocations);
  EXPECT_EQ(allocations.source, "");
  EXPECT_FALSE(allocations.bytes_per_second);
}

}  // namespace
}  // namespace poolscope::estimate
