// The go_runtime collector says of a Go program what the program says of itself: runtime/metrics, MemStats and gctrace are the
// truth. Each way to find the runtime's variables, and each way to attach.
// Needs root; without BPF the tests that probe are skipped, unless POOLSCOPE_REQUIRE_BPF is set.

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/estimate/gc.h"
#include "probes/collectors/go_runtime.h"
#include "tests/integration/go_gc_observed.h"
#include "tests/integration/go_process.h"

namespace {

using namespace poolscope;
using attach::AttachMethod;
using probes::GoGcPrograms;
using probes::GoRuntime;
using test::GoProcess;
using test::Observed;

constexpr double kTolerance = 0.02;

void expect_close(double measured, double truth, const char* what) {
  EXPECT_LE(std::abs(measured - truth), kTolerance * truth) << what << ": measured " << measured << ", truth " << truth;
}

class GoGc : public testing::Test {
 protected:
  void load(AttachMethod method) {
    auto loaded = GoGcPrograms::load(method);
    if (!loaded) {
      if (std::getenv("POOLSCOPE_REQUIRE_BPF") != nullptr) FAIL() << describe(loaded.error());
      GTEST_SKIP() << describe(loaded.error());
    }
    programs = std::move(*loaded);
  }
  void watch(const Observed& observed) {
    auto started = observed.start(probes::GcProbing{*programs, detacher, 0});
    ASSERT_TRUE(started) << started.error().detail;
    runtime = std::move(*started);
    ASSERT_TRUE(runtime->cycles_are_watched()) << testing::PrintToString(runtime->limits());
    add(runtime->take_life().value());
  }
  void add() { add(runtime->read()); }
  void add(const model::GcRecord& record) {
    records.push_back(record);
    estimate::add(total, record.counted);
  }

  attach::Detacher detacher;
  std::unique_ptr<GoGcPrograms> programs;
  std::unique_ptr<GoRuntime> runtime;
  std::vector<model::GcRecord> records;
  model::GcCounters total;
};

struct Way {
  const char* name;
  const char* program;
  AttachMethod method = AttachMethod::kUprobeMulti;
};

class GoGcExact : public GoGc, public testing::WithParamInterface<Way> {
 protected:
  void SetUp() override { load(GetParam().method); }
};

TEST_P(GoGcExact, CountsAreThoseOfTheProgram) {
  GoProcess program({GO_TARGETS + std::string("/") + GetParam().program}, {"GODEBUG=gctrace=1"});
  program.ask("churn 40 500");
  const auto before = program.ask("gc 1");  // nothing is collected from here to the next command
  const Observed observed(program.pid());
  watch(observed);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_EQ(total.cycles, before["cycles"]);
  program.ask("keep 48 4000");
  program.ask("churn 200 100");
  add();
  program.ask("churn 100 300000");
  const auto truth = program.ask("gc 3");
  add();

  EXPECT_EQ(total.cycles, truth["cycles"]);
  EXPECT_EQ(total.forced_cycles, truth["forced_cycles"]);
  EXPECT_EQ(total.pause_ns, truth["pause_ns"]);
  expect_close(total.allocated_bytes, truth["allocated_bytes"], "allocated bytes");
  expect_close(total.allocated_bytes, truth["memstats_total_alloc"], "allocated bytes of MemStats");
  expect_close(total.allocated_objects, truth["allocated_objects"], "allocated objects");
  for (const int bytes : {24, 112, 512, 4096}) {
    expect_close(total.allocated_objects_by_class[bytes], truth["allocated_objects_by_class"][std::to_string(bytes)],
                 "objects of a size class");
  }
  const model::GcHeap& heap = records.back().heap;
  expect_close(heap.live_bytes.value_or(0), truth["heap_bytes"], "live heap after a collection");
  EXPECT_EQ(heap.goal_bytes, truth["goal_bytes"]);
  EXPECT_EQ(heap.gogc_percent, 100);
  EXPECT_EQ(heap.memory_limit_bytes, std::nullopt);
  EXPECT_TRUE(program.traced_cycles_become(total.cycles)) << program.trace().cycles;
}

TEST_P(GoGcExact, EveryCycleIsSeenOnce) {
  GoProcess program({GO_TARGETS + std::string("/") + GetParam().program});
  const Observed observed(program.pid());
  watch(observed);
  ASSERT_FALSE(HasFatalFailure());
  const auto before = program.ask("report")["cycles"].get<std::uint64_t>();
  std::uint64_t seen = 0, hits = 0, dropped = 0;
  for (int i = 0; i < 4; ++i) {
    program.ask("gc 60");
    add();
    seen += records.back().watched.cycles;
    hits += records.back().probe_hits;
    dropped += records.back().dropped_cycles;
  }
  const auto cycles = program.ask("report")["cycles"].get<std::uint64_t>() - before;
  EXPECT_EQ(seen, cycles);
  EXPECT_EQ(hits, cycles);
  EXPECT_EQ(dropped, 0u);
}

INSTANTIATE_TEST_SUITE_P(Programs, GoGcExact,
                         testing::Values(Way{"Dwarf", "go_gc"}, Way{"SymbolsOnly", "go_gc_no_dwarf"},
                                         Way{"Stripped", "go_gc_stripped"}, Way{"StrippedPie", "go_gc_stripped_pie"},
                                         Way{"PerfEvent", "go_gc", AttachMethod::kPerfEvent}),
                         [](const auto& each) { return std::string(each.param.name); });

class GoGcBuffer : public GoGc {};

TEST_F(GoGcBuffer, CyclesItCannotHoldAreReportedAndCounted) {
  load(AttachMethod::kUprobeMulti);
  if (IsSkipped() || HasFatalFailure()) return;
  GoProcess program({GO_TARGETS + std::string("/go_gc")}, {"GOMAXPROCS=1"});
  const Observed observed(program.pid());
  watch(observed);
  ASSERT_FALSE(HasFatalFailure());
  const std::uint64_t before = total.cycles;
  program.ask("gc 5000");  // nobody reads meanwhile
  add();
  program.ask("gc 1");
  add();
  EXPECT_EQ(total.cycles - before, 5001u);
  const std::uint64_t seen = records[1].watched.cycles + records[2].watched.cycles;
  EXPECT_LT(seen, 5001u);
  EXPECT_EQ(seen + records[1].dropped_cycles + records[2].dropped_cycles, 5001u);
}

class GoGcMulti : public GoGc {
 protected:
  void SetUp() override {
    load(AttachMethod::kUprobeMulti);
    if (IsSkipped() || HasFatalFailure()) return;
    program = std::make_unique<GoProcess>(std::vector<std::string>{GO_TARGETS + std::string("/go_gc")},
                                          std::vector<std::string>{"GODEBUG=gctrace=1"});
    observed = std::make_unique<Observed>(program->pid());
    watch(*observed);
  }
  // Ratios of the last record alone.
  [[nodiscard]] std::optional<model::GcSummary> summary() const {
    return estimate::summarize_gc(total, {&records.back(), 1}, {&records.back().process, 1});
  }

  std::unique_ptr<GoProcess> program;
  std::unique_ptr<Observed> observed;
};

// A cycle keeps what is allocated while it marks: little beside a heap of 64 MiB.
TEST_F(GoGcMulti, GarbageIsChurn) {
  program->ask("keep 32 4000");
  program->ask("gc 2");
  add();
  program->ask("churn 600 1000");
  add();
  EXPECT_GT(records.back().watched.followed_cycles, 8u);
  EXPECT_GT(summary()->churn_ratio, 0.85);
}

TEST_F(GoGcMulti, KeptObjectsAreNoChurn) {
  program->ask("keep 400 100000");
  program->ask("gc 1");
  add();
  EXPECT_LT(summary()->churn_ratio, 0.1);
}

TEST_F(GoGcMulti, SettingsAreThoseOfTheRunningProgram) {
  program->ask("keep 64 4000");
  program->ask("settings 50 300000000");
  const auto truth = program->ask("gc 1");  // or a cycle that the lower goal starts may end between the two readings
  add();
  EXPECT_EQ(records.back().heap.gogc_percent, 50);
  EXPECT_EQ(records.back().heap.memory_limit_bytes, 300'000'000u);
  EXPECT_EQ(records.back().heap.goal_bytes, truth["goal_bytes"]);
  program->ask("settings -1 200000000");
  const auto off = program->ask("gc 1");
  add();
  EXPECT_EQ(records.back().heap.gogc_percent, std::nullopt);
  // the limit alone makes the goal, and moves with what the runtime has mapped
  expect_close(records.back().heap.goal_bytes.value_or(0), off["goal_bytes"], "goal of a memory limit");
}

// gctrace cuts its numbers off after two digits, so they are up to 10 % less.
TEST_F(GoGcMulti, CpuTimeIsThatOfTheTrace) {
  program->ask("keep 64 200");
  program->ask("churn 300 1000");
  program->ask("gc 5");
  add();
  ASSERT_TRUE(program->traced_cycles_become(total.cycles)) << program->trace().cycles;
  const GoProcess::Trace trace = program->trace();
  const model::GcCycles& watched = records.back().watched;
  ASSERT_EQ(watched.cycles, trace.cycles) << "a cycle ended before the probe was there";
  const auto expect_traced = [&](std::uint64_t measured_ns, double traced_ms, const char* what) {
    const double measured_ms = static_cast<double>(measured_ns) * 1e-6,
                 cut_off_ms = 0.004 * static_cast<double>(trace.cycles);
    EXPECT_GE(measured_ms, traced_ms * 0.999) << what;
    EXPECT_LE(measured_ms, traced_ms * 1.11 + cut_off_ms) << what;
  };
  ASSERT_TRUE(total.gc_cpu_ns);
  expect_traced(*total.gc_cpu_ns, trace.cpu_ms, "GC CPU time");
  expect_traced(watched.assist_ns, trace.assist_ms, "assists");
  expect_traced(watched.idle_mark_ns, trace.idle_ms, "idle marking");
  const auto gc = summary();
  ASSERT_TRUE(gc->cpu_ratio);
  EXPECT_GT(*gc->cpu_ratio, 0);
  EXPECT_LE(gc->assist_cpu_ratio, *gc->cpu_ratio);
}

TEST_F(GoGcMulti, LastCyclesOfAProcessThatEndedAreCounted) {
  program->ask("churn 64 1000");
  const auto truth = program->ask("gc 1");
  program->end();
  add();
  EXPECT_EQ(total.cycles, truth["cycles"]);
  expect_close(total.allocated_bytes, truth["allocated_bytes"], "allocated bytes");
  add();
  EXPECT_EQ(total.cycles, truth["cycles"]);
}

TEST_F(GoGcMulti, ProcessesOfOneProgramAreToldApart) {
  GoProcess other({GO_TARGETS + std::string("/go_gc")});
  const Observed other_observed(other.pid());
  auto other_runtime = other_observed.start(probes::GcProbing{*programs, detacher, 0});
  ASSERT_TRUE(other_runtime) << other_runtime.error().detail;
  program->ask("gc 3");
  other.ask("gc 5");
  EXPECT_EQ((*other_runtime)->read().watched.cycles, 5u);
  EXPECT_EQ(runtime->read().watched.cycles, 3u);
}

TEST_F(GoGcMulti, CyclesAreSeenOnceWhenWatchedAnew) {
  program->ask("gc 2");
  runtime.reset();
  watch(*observed);  // while the first probe may still be there
  const auto before = records.back().watched.cycles;
  EXPECT_EQ(before, 0u);
  program->ask("gc 4");
  add();
  EXPECT_EQ(records.back().watched.cycles, 4u);
}

TEST(GoGcMemory, CountersNeedNoProbe) {
  GoProcess program({GO_TARGETS + std::string("/go_gc_stripped")});
  const Observed observed(program.pid());
  auto runtime = observed.start(std::nullopt);
  ASSERT_TRUE(runtime) << runtime.error().detail;
  EXPECT_FALSE((*runtime)->cycles_are_watched());
  EXPECT_EQ((*runtime)->limits().size(), 1u);
  program.ask("churn 100 1000");
  const auto truth = program.ask("gc 1");
  const auto record = (*runtime)->read();
  EXPECT_EQ(record.counted.cycles, truth["cycles"]);
  expect_close(record.counted.allocated_bytes, truth["allocated_bytes"], "allocated bytes");
  EXPECT_FALSE(record.cycles_are_watched);
}

// The same program, but it says that another release built it.
TEST(GoGcPlaces, OtherReleasesAreRefusedWithTheirName) {
  std::ifstream original(GO_TARGETS + std::string("/go_gc"), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(original), {}};
  for (std::size_t at = 0; (at = bytes.find("go1.19.", at)) != std::string::npos;) bytes.replace(at, 7, "go1.22.");
  const int fd = memfd_create("go1.22", MFD_CLOEXEC);
  ASSERT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  const auto file = elf::ElfFile::open(fd, "service", "");
  ASSERT_TRUE(file);
  const auto program = go::GoProgram::open(**file);
  ASSERT_TRUE(program) << describe(program.error());
  const auto places = probes::find_gc_places(**program);
  ASSERT_FALSE(places);
  EXPECT_EQ(places.error().reason, probes::GcPlacesError::Reason::kUnverifiedVersion);
  EXPECT_TRUE(places.error().detail.starts_with("the layout of go1.22.")) << places.error().detail;
}

TEST(GoGcPlaces, TableAndDwarfAgree) {
  GoProcess program({GO_TARGETS + std::string("/go_gc")});
  const Observed observed(program.pid());
  const auto described = probes::gc_layout_from_dwarf(*observed.object().file);
  ASSERT_TRUE(described);
  EXPECT_EQ(described, probes::gc_layout_of({1, 19}));
}

TEST(GoGcPlaces, CodeAndSymbolsAgree) {
  GoProcess process({GO_TARGETS + std::string("/go_gc")});
  const Observed observed(process.pid());
  const auto& program = observed.program();
  const auto addresses = probes::addresses_named_by(program, *program.find_function("runtime.gcMarkTermination"));
  for (const auto variable :
       {probes::GcVariable::kMemstats, probes::GcVariable::kController, probes::GcVariable::kWork}) {
    const auto base = probes::base_of(addresses, probes::gc_anchor_offsets(variable));
    ASSERT_TRUE(base) << name_of(variable);
    EXPECT_EQ(*base, program.find_variable(name_of(variable))->address) << name_of(variable);
  }
}

}  // namespace
