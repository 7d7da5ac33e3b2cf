// A recording, read back, says what was said live; and a part of it says what is in that part.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/estimate/carried_totals.h"
#include "agent/estimate/gc.h"
#include "agent/estimate/replay.h"
#include "agent/estimate/target_summary.h"
#include "tests/unit/estimate/make_pools.h"
#include "tests/unit/recording/make_recording.h"
#include "tests/unit/recording/memory_source.h"

namespace poolscope::recording {
namespace {

using estimate::Replay;
using estimate::testing::kSecondNs;
using testing::Folder;
using testing::moment_at;
using ::testing::SizeIs;

constexpr int kPid = 1;

// A second of a target that has a bit of everything. Numbers differ from second to second, so that a missing one shows.
struct Second {
  model::BurstRecord burst, cohort;
  model::StratumRecord stratum;
  model::PoolBurstRecord pool_burst;
  model::PoolWatchRecord pool_watch;
  model::GcRecord gc;
  model::BurstRecord slice_growth;
  model::PoolPageRecord page;
};

model::PoolPageRecord page_record(std::uint64_t at, std::uint64_t length_seconds, std::uint64_t gets, int pid = kPid) {
  model::PoolPageRecord record;
  record.process.pid = pid;
  record.start_ns = (at - length_seconds) * kSecondNs;
  record.length_ns = length_seconds * kSecondNs;
  auto& sums = record.pools.emplace_back();
  sums.pool.kind = "published";
  sums.pool.name = "frames";
  sums.known = ~std::uint64_t{0};
  sums.counted.gets = gets;
  sums.counted.misses[PS_MISS_EMPTY] = gets / 10;
  sums.counted.needed_bytes.add(100 + gets);
  sums.state.emplace().idle = gets;
  return record;
}

model::GcRecord gc_record(std::uint64_t at, std::uint64_t length_seconds, std::uint64_t bytes) {
  model::GcRecord record;
  record.process.pid = kPid;
  record.start_ns = (at - length_seconds) * kSecondNs;
  record.length_ns = length_seconds * kSecondNs;
  record.cpu_ns = kSecondNs / 2;
  record.counted.cycles = 2;
  record.counted.pause_ns = 1000 * at;
  record.counted.allocated_bytes = record.counted.bytes_of_objects = bytes;
  record.counted.allocated_objects = bytes / 64;
  record.counted.allocated_objects_by_class = {{64, bytes / 64}};
  record.heap.live_bytes = 1000 * at;
  return record;
}

Second second_of(unsigned at) {
  using namespace estimate::testing;
  Second second;
  second.burst = rate_burst(at, 1000 + 7 * at, 0.5);
  second.burst.counts.allocated_bytes = 64'000 + at;
  second.burst.size_bytes.add(64, 1000 + at);
  model::CallSiteCounts site;
  site.frames.push_back({"make", "/usr/bin/cache", 0x1000 + at % 3, ""});
  site.calls = 1000;
  second.burst.call_sites.push_back(site);
  second.cohort = cohort(at, {1'000'000 + at, 3'000'000}, {12'000'000}, 12'000'000);
  second.stratum = stratum(0.5);
  second.stratum.start_ns = at * kSecondNs;
  second.pool_burst = pool_burst(at, {pool("main.buffers", 100 + at, 10)});
  second.pool_watch = miss_watch(at, {watched("main.buffers", 10 + at, 3)});
  second.pool_watch.length_ns = kSecondNs;
  second.gc = gc_record(at + 1, 1, 640'000 + 64 * at);
  second.slice_growth = rate_burst(at, 0);
  model::GrowthChainCounts chain;
  chain.frames.push_back({"append", "/usr/bin/cache", 0x2000, ""});
  chain.chains = 5 + at;
  chain.first_bytes.add(64, 5);
  chain.final_bytes.add(4096, 5);
  second.slice_growth.growth_chains.push_back(chain);
  second.page = page_record(at + 1, 1, 100 + at);
  return second;
}

model::TargetStatus go_status(std::uint64_t at_second) {
  model::TargetStatus status = testing::status_at(at_second);
  status.runtime = "go";
  status.allocator = "go";
  status.labels = {{"team", "storage"}};
  status.processes = {{{kPid, 0}, 1, "cache --fast"}};
  status.collectors = {{"go_pools", "L2", model::CollectorState::kCollecting, "", ""}};
  status.gc_running = {{kPid, 0}};
  return status;
}

// What an agent does with records, in short: it keeps them and tells them.
class Live {
 public:
  explicit Live(model::RecordSink& sink) : sink_(sink), target_(&sink, 1) {
    model::GcRecord life = gc_record(1, 0, 6400);
    gc_total_.add(life);
    gc_.push_back(life);
    target_.take(life);
    take_page(page_record(1, 0, 5000));
  }
  void run(unsigned first, unsigned last) {
    for (unsigned at = first; at < last; ++at) {
      const Second second = second_of(at);
      keep(bursts_, second.burst);
      keep(bursts_, second.cohort);
      keep(strata_, second.stratum);
      keep(pool_bursts_, second.pool_burst);
      keep(pool_watches_, second.pool_watch);
      model::GcRecord gc = second.gc;
      gc_total_.add(gc);
      keep(gc_, gc);
      slice_growth_.push_back(second.slice_growth);
      target_.take(model::SliceGrowthRecord{second.slice_growth});
      take_page(second.page);
      look(at + 1);
    }
  }
  void take_page(model::PoolPageRecord record) {
    published_.add(record);
    keep(pages_, record);
  }
  void end_pages(int pid, std::uint64_t at) {
    published_.end({pid, 0});
    target_.take(model::PagesEndRecord{{pid, 0}, at * kSecondNs});
  }
  void look(std::uint64_t at_second) {
    status_ = go_status(at_second);
    moment_ = moment_at(at_second);
    target_.take(status_);
    sink_.take(moment_);
    if (!sink_.wants_state()) return;
    target_.take(status_);
    target_.take(estimate::carry(moment_.at_ns, gc_total_.total(), published_));
  }
  [[nodiscard]] model::Snapshot snapshot() const {
    model::Snapshot snapshot;
    snapshot.time_unix_ns = moment_.time_unix_ns;
    snapshot.agent = moment_.agent;
    snapshot.targets.push_back(
        estimate::summarize_target({status_,
                                    {bursts_, strata_, pool_bursts_, pool_watches_, gc_, slice_growth_},
                                    pages_,
                                    gc_total_.total(),
                                    published_}));
    return snapshot;
  }

 private:
  template <typename Record>
  void keep(std::vector<Record>& records, const Record& record) {
    records.push_back(record);
    target_.take(record);
  }

  model::RecordSink& sink_;
  model::TargetSink target_;
  std::vector<model::BurstRecord> bursts_, slice_growth_;
  std::vector<model::StratumRecord> strata_;
  std::vector<model::PoolBurstRecord> pool_bursts_;
  std::vector<model::PoolWatchRecord> pool_watches_;
  std::vector<model::GcRecord> gc_;
  std::vector<model::PoolPageRecord> pages_;
  estimate::GcTotals gc_total_;
  estimate::PublishedTotals published_;
  model::TargetStatus status_;
  model::Moment moment_;
};

const model::PoolSummary& frames_of(const model::Snapshot& snapshot) {
  const auto& pools = snapshot.targets.at(0).pools;
  return pools.at(
      static_cast<std::size_t>(std::ranges::find(pools, "frames", &model::PoolSummary::name) - pools.begin()));
}

class Recorded : public ::testing::Test {
 protected:
  Recorded() : recorder_(Recorder::create(folder_.path("r")).value()), live_(*recorder_) {}

  [[nodiscard]] Reader read() {
    recorder_->close();
    return testing::open_bytes(folder_.read("r")).value();
  }
  // From chunk `first` on.
  static std::optional<model::Snapshot> replay(Reader& reader, const model::TimeRange& range = {},
                                               std::size_t first = 0) {
    Replay replay(range);
    for (std::size_t i = first; i < reader.chunks().size(); ++i) {
      reader.read(reader.chunks()[i], [&](const Line& line) {
        if (const auto* of_target = std::get_if<LineOfTarget>(&line)) {
          replay.take(of_target->target, of_target->record);
        } else {
          replay.take(std::get<model::Moment>(line));
        }
      });
    }
    return replay.snapshot();
  }

  Folder folder_;
  std::unique_ptr<Recorder> recorder_;
  Live live_;
};

TEST_F(Recorded, SaysWhatWasSaidLive) {
  live_.run(1, 40);
  const model::Snapshot live = live_.snapshot();
  ASSERT_THAT(live.targets.front().pools, SizeIs(2));
  ASSERT_TRUE(live.targets.front().allocations.lifetime && live.targets.front().gc);
  ASSERT_FALSE(live.targets.front().growth_chains.empty());
  Reader reader = read();
  ASSERT_GT(reader.chunks().size(), 2u);
  EXPECT_EQ(replay(reader), live);
}

TEST_F(Recorded, SaysWhatWasSaidLiveAtEveryMoment) {
  std::vector<model::Snapshot> said;
  for (unsigned at = 1; at < 25; ++at) {
    live_.run(at, at + 1);
    said.push_back(live_.snapshot());
  }
  Reader reader = read();
  for (const model::Snapshot& live : said) {
    const std::uint64_t at_ns = live.time_unix_ns - testing::kBootUnixNs;
    EXPECT_EQ(replay(reader, {0, at_ns}), live) << at_ns;
  }
}

TEST_F(Recorded, RangeHasTheRatesOfItsRecordsAndTheCountersOfItsEnd) {
  live_.run(1, 40);
  Reader reader = read();
  const auto range = replay(reader, {20 * kSecondNs, 30 * kSecondNs});
  ASSERT_TRUE(range);
  const auto& target = range->targets.front();
  EXPECT_EQ(target.cost.observed_seconds, 10);
  EXPECT_EQ(range->time_unix_ns, moment_at(30).time_unix_ns);
  std::uint64_t gets = 5000, in_range = 0, allocations = 0;
  for (unsigned at = 1; at < 30; ++at) gets += 100 + at;
  for (unsigned at = 20; at < 30; ++at) in_range += 100 + at;
  for (unsigned at = 20; at < 30; ++at)
    allocations += second_of(at).burst.counts.allocations + second_of(at).cohort.counts.allocations;
  EXPECT_EQ(target.allocations.counted.allocations, allocations);
  EXPECT_EQ(frames_of(*range).counted.gets, gets);
  EXPECT_DOUBLE_EQ(frames_of(*range).gets_per_second->value, static_cast<double>(in_range) / 10);
}

TEST_F(Recorded, LaterChunksDoNotNeedTheEarlierOnes) {
  live_.run(1, 40);
  const model::TimeRange range{30 * kSecondNs, 40 * kSecondNs};
  Reader reader = read();
  ASSERT_GE(reader.chunks().size(), 4u);
  EXPECT_EQ(replay(reader, range, 2), replay(reader, range));
}

TEST_F(Recorded, PoolsOfEndedProcessesAreToldAsLive) {
  live_.run(1, 5);
  live_.take_page(page_record(6, 0, 77, 2));
  live_.end_pages(kPid, 6);
  live_.look(7);
  EXPECT_EQ(frames_of(live_.snapshot()).idle, 77u) << "of the process that runs";
  live_.end_pages(2, 8);
  live_.run(8, 30);
  live_.end_pages(kPid, 31);
  live_.look(31);
  const model::Snapshot live = live_.snapshot();
  Reader reader = read();
  EXPECT_EQ(replay(reader), live);
  EXPECT_TRUE(frames_of(*replay(reader, {}, reader.chunks().size() - 1)).counted == frames_of(live).counted);
}

TEST_F(Recorded, RangeWithoutAMomentSaysNothing) {
  live_.run(1, 5);
  Reader reader = read();
  EXPECT_EQ(replay(reader, {0, kSecondNs}), std::nullopt);
  EXPECT_EQ(replay(reader, {100 * kSecondNs, 200 * kSecondNs}), std::nullopt);
}

TEST(CarriedTotals, OfNothingAreEmpty) {
  EXPECT_TRUE(estimate::is_empty(estimate::carry(5, {}, {})));
}

TEST(ReplayOfMoments, HasTheTargetsOfTheLastOneInItsOrder) {
  Replay replay({});
  replay.take(1, testing::status_at(1, "one"));
  replay.take(2, testing::status_at(1, "two"));
  replay.take(moment_at(2, {1, 2}));
  replay.take(moment_at(3, {2, 1, 1, 9}));
  const auto snapshot = replay.snapshot();
  ASSERT_TRUE(snapshot);
  ASSERT_THAT(snapshot->targets, SizeIs(2));
  EXPECT_EQ(snapshot->targets[0].name, "two");
  EXPECT_EQ(snapshot->targets[1].name, "one");
}

}  // namespace
}  // namespace poolscope::recording
