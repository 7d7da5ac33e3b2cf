// Ten simulated hours of one target: what is kept stays as much as it was, what is said stays right, and the recording says it again.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>

#include "agent/estimate/replay.h"
#include "agent/sampler/snapshot_store.h"
#include "exporters/model/json.h"
#include "exporters/recording/recorder.h"
#include "tests/unit/recording/memory_source.h"
#include "tests/unit/sampler/simulated_agent.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Of sanitizer/allocator_interface.h, which Debian's g++ does not bring along.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace poolscope::sampler {
namespace {

using recording::Reader;
using recording::testing::Folder;
using test::SimulatedAgent;

constexpr unsigned kHours = 10;
constexpr std::uint64_t kStrataOfHour = 3600 * estimate::testing::kSecondNs / SimulatedAgent::kStratumNs;
constexpr std::uint64_t kStrataOfWindow = TargetMonitor::kKeepNs / SimulatedAgent::kStratumNs;
constexpr double kTruePerSecond = SimulatedAgent::kAllocationsPerCpuSecond * SimulatedAgent::kCpuShare;

std::uint64_t heap_bytes() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return __sanitizer_get_current_allocated_bytes();
#else
  return ::mallinfo2().uordblks;
#endif
}

// What was found at the end of an hour.
struct Hour {
  std::uint64_t end_ns = 0;
  model::Snapshot said;
  double mean_rate = 0;  // of all windows of the hour
  std::size_t kept_records = 0;
  std::uint64_t kept_bytes = 0;  // by the agent, not by the test
};

class TenHours : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new Folder;
    hours_ = new std::vector<Hour>(kHours);
    auto recorder = recording::Recorder::create(folder_->path("r")).value();
    agent_ = new SimulatedAgent(*recorder);
    SnapshotStore store(kStrataOfHour / kStrataOfWindow);
    const std::uint64_t before_bytes = heap_bytes();
    for (Hour& hour : *hours_) {
      run_hour(hour, store);
      hour.kept_bytes = heap_bytes() - before_bytes - test_bytes_;
    }
  }
  static void TearDownTestSuite() {
    delete agent_;
    delete hours_;
    delete folder_;
  }

  static void run_hour(Hour& hour, SnapshotStore& store) {
    for (std::uint64_t i = 1; i <= kStrataOfHour; ++i) {
      agent_->run_stratum();
      if (i % kStrataOfWindow != 0) continue;
      model::Snapshot snapshot = agent_->snapshot();
      const auto rate = snapshot.targets.at(0).allocations.per_second.value();
      hour.mean_rate += rate.value * double{kStrataOfWindow} / double{kStrataOfHour};
      ++windows_;
      windows_with_truth_ += rate.low.value() <= kTruePerSecond && kTruePerSecond <= rate.high.value();
      if (i == kStrataOfHour) {
        const std::uint64_t before_bytes = heap_bytes();
        hour.said = snapshot;
        test_bytes_ += heap_bytes() - before_bytes;
      }
      store.publish(std::move(snapshot));
    }
    hour.kept_records = agent_->records();
    hour.end_ns = agent_->now_ns();
  }

  // Of the chunks that have something of the range, as a reader of a part does.
  static std::optional<model::Snapshot> read(Reader& reader, const model::TimeRange& range) {
    estimate::Replay replay(range);
    for (const auto& chunk : reader.chunks()) {
      const std::uint64_t boot_unix_ns = SimulatedAgent::kBootUnixNs;
      if (chunk.header.last_unix_ns < boot_unix_ns + range.from_ns) continue;
      if (chunk.header.first_unix_ns - boot_unix_ns > range.to_ns) continue;
      reader.read(chunk, [&](const recording::Line& line) {
        if (const auto* of_target = std::get_if<recording::LineOfTarget>(&line)) {
          replay.take(of_target->target, of_target->record);
        } else {
          replay.take(std::get<model::Moment>(line));
        }
      });
    }
    return replay.snapshot();
  }

  static inline Folder* folder_ = nullptr;
  static inline SimulatedAgent* agent_ = nullptr;
  static inline std::vector<Hour>* hours_ = nullptr;
  static inline unsigned windows_ = 0, windows_with_truth_ = 0;
  static inline std::uint64_t test_bytes_ = 0;
};

TEST_F(TenHours, KeepNoMoreRecordsInTheLastThanInTheFirst) {
  for (const Hour& hour : *hours_) EXPECT_NEAR(double(hour.kept_records), double(hours_->front().kept_records), 3);
}

TEST_F(TenHours, TakeNoMoreMemoryInTheLastThanInTheSecond) {
  ASSERT_GT(heap_bytes(), 0U) << "the allocator does not tell";
  // What the recorder keeps of each chunk is all that grows, as a vector does: up to twice of it.
  const std::uint64_t chunks = Reader::open(folder_->path("r")).value().chunks().size();
  const std::uint64_t growth = 2 * chunks * sizeof(recording::ChunkPlace);
  EXPECT_LE(hours_->back().kept_bytes, hours_->at(1).kept_bytes * 105 / 100 + growth);
}

TEST_F(TenHours, LeaveEstimatesWithoutDrift) {
  for (const Hour& hour : *hours_) EXPECT_NEAR(hour.mean_rate, kTruePerSecond, 0.01 * kTruePerSecond);
  ASSERT_EQ(windows_, kHours * kStrataOfHour / kStrataOfWindow);
  EXPECT_GE(windows_with_truth_, windows_ * 9 / 10);
}

TEST_F(TenHours, ChargeTheBudgetAndNoMore) {
  const double earned_ns = SimulatedAgent::kBudgetRatio * double(agent_->cpu_ns());
  EXPECT_NEAR(double(agent_->charged_ns()), earned_ns, 2 * SimulatedAgent::kBurstChargeNs);
}

TEST_F(TenHours, AreReadFromTheRecordingAsTheyWereSaid) {
  Reader reader = Reader::open(folder_->path("r")).value();
  for (const Hour& hour : *hours_) {
    const auto again = read(reader, {hour.end_ns - TargetMonitor::kKeepNs, hour.end_ns});
    ASSERT_TRUE(again);
    EXPECT_EQ(to_json(*again), to_json(hour.said));
    EXPECT_TRUE(*again == hour.said);
  }
}

TEST_F(TenHours, GiveAReportOfAllOfIt) {
  Reader reader = Reader::open(folder_->path("r")).value();
  const auto whole = read(reader, {});
  ASSERT_TRUE(whole);
  const model::TargetSnapshot& target = whole->targets.at(0);
  EXPECT_EQ(target.cost.observed_seconds, kHours * 3600);
  EXPECT_NEAR(target.allocations.per_second.value().value, kTruePerSecond, 0.003 * kTruePerSecond);
  const std::uint64_t processes =
      (agent_->strata() + SimulatedAgent::kStrataOfProcess - 1) / SimulatedAgent::kStrataOfProcess;
  EXPECT_EQ(target.gc.value().allocated_bytes, SimulatedAgent::kGcBytesOfRecord * (agent_->strata() + processes));
  const auto frames = std::ranges::find(target.pools, "frames", &model::PoolSummary::name);
  ASSERT_NE(frames, target.pools.end());
  EXPECT_EQ(frames->counted.gets, SimulatedAgent::kGetsOfRecord * (agent_->strata() + processes));
}

}  // namespace
}  // namespace poolscope::sampler
