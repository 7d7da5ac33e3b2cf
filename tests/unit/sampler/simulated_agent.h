#pragma once
// What an agent keeps of one target, in simulated time: its books, driven by made-up records of a load that stays the same.
//   Time      a stratum of kStratumNs, at its end a moment. The target's process is another one every kStrataOfProcess strata.
//   Truth     kAllocationsPerCpuSecond and kCpuShare; a burst sees them with an error of kNoise.

#include <cstdint>
#include <random>
#include <utility>

#include "agent/budget/token_bucket.h"
#include "agent/estimate/carried_totals.h"
#include "agent/estimate/target_summary.h"
#include "agent/sampler/gc_monitor.h"
#include "agent/sampler/page_monitor.h"
#include "agent/sampler/record_book.h"
#include "agent/sampler/target_monitor.h"
#include "tests/unit/estimate/make_pools.h"

namespace poolscope::sampler::test {

using estimate::testing::kSecondNs;

class SimulatedAgent {
 public:
  static constexpr std::uint64_t kStratumNs = 3 * kSecondNs;
  static constexpr unsigned kStrataOfProcess = 396;
  static constexpr double kAllocationsPerCpuSecond = 50'000, kCpuShare = 0.4, kNoise = 0.05;
  static constexpr double kBudgetRatio = 0.01;
  static constexpr std::uint64_t kBurstChargeNs = 15'000'000;  // more than a stratum earns
  static constexpr std::uint64_t kGetsOfRecord = 300, kGcBytesOfRecord = 1 << 20;
  static constexpr model::TargetId kTarget = 7;
  static constexpr std::uint64_t kBootUnixNs = 1'700'000'000 * kSecondNs;

  explicit SimulatedAgent(model::RecordSink& sink) : sink_(sink), target_sink_(&sink, kTarget) {
    gc_.set_sink(target_sink_);
    pages_.set_sink(target_sink_);
  }

  void run_stratum() {
    if (strata_ % kStrataOfProcess == 0) next_process();
    const std::uint64_t start_ns = now_ns();
    const bool has_burst = tokens_.level_ns() > 0;
    const std::uint64_t cpu_ns = kCpuOfStratumNs + (has_burst ? kBurstChargeNs : 0);
    if (has_burst) take_burst(start_ns);
    take_counters(start_ns);
    model::StratumRecord stratum;
    stratum.start_ns = start_ns;
    stratum.length_ns = kStratumNs;
    stratum.target_cpu_ns = cpu_ns;
    if (!has_burst) stratum.missing = "budget";
    book_.keep(stratum);
    tokens_.earn(cpu_ns, kStratumNs);
    cpu_ns_ += cpu_ns;
    ++strata_;
    forget_old();
    tell_moment();
  }

  [[nodiscard]] std::uint64_t now_ns() const { return strata_ * kStratumNs; }
  [[nodiscard]] std::uint64_t strata() const { return strata_; }
  // Of the target, probes included; and what these took.
  [[nodiscard]] std::uint64_t cpu_ns() const { return cpu_ns_; }
  [[nodiscard]] std::uint64_t charged_ns() const { return charged_ns_; }
  [[nodiscard]] std::size_t records() const {
    return book_.bursts().size() + book_.strata().size() + book_.pool_bursts().size() + book_.pool_watches().size() +
           book_.slice_growth().size() + gc_.records().size() + pages_.records().size();
  }
  [[nodiscard]] model::Snapshot snapshot() const {
    estimate::TargetRecords records = book_.records();
    records.gc = gc_.records();
    model::Snapshot snapshot;
    snapshot.time_unix_ns = moment_.time_unix_ns;
    snapshot.agent = moment_.agent;
    snapshot.targets.push_back(
        estimate::summarize_target({book_.status(), records, pages_.records(), gc_.total(), pages_.total()}));
    return snapshot;
  }

 private:
  static constexpr auto kCpuOfStratumNs = static_cast<std::uint64_t>(kCpuShare * double{kStratumNs});

  void next_process() {
    if (process_.pid != 0) {
      gc_.forget(process_);
      pages_.forget(process_, now_ns());
    }
    // Its start is none that a process of this machine has.
    process_ = {1'000'000 + static_cast<std::int32_t>(strata_), ~std::uint64_t{0}};
    pages_.add(process_);
    pages_.keep(page_record(now_ns(), 0));
    gc_.keep(gc_record(now_ns(), 0));
  }

  // Rate bursts, cohorts and bursts on pools in turn.
  void take_burst(std::uint64_t start_ns) {
    using namespace estimate::testing;
    const auto at = static_cast<unsigned>(start_ns / kSecondNs);
    const double seen = kAllocationsPerCpuSecond * kCpuShare * (1 + kNoise * normal_(random_));
    model::BurstRecord burst = rate_burst(at, static_cast<std::uint64_t>(seen), kCpuShare);
    burst.process = process_;
    burst.counts.allocated_bytes = 64 * burst.counts.allocations;
    burst.size_bytes.add(64, seen);
    burst.call_sites = sites(burst.counts.allocations);
    switch (bursts_++ % 3) {
      case 0:
        book_.keep(charged(std::move(burst)));
        break;
      case 1: {
        model::BurstRecord followed = cohort_at(at);
        followed.counts = burst.counts;
        book_.keep(charged(std::move(followed)));
        break;
      }
      default: {
        model::PoolBurstRecord pools = pool_burst(at, {pool("main.buffers", 1000, 100)});
        pools.process = process_;
        pools.charge_ns = pools.window.charge_ns = kBurstChargeNs;
        book_.keep(std::move(pools));
        book_.keep(model::SliceGrowthRecord{std::move(burst)});
      }
    }
    tokens_.spend(kBurstChargeNs);
    charged_ns_ += kBurstChargeNs;
  }

  static model::BurstRecord charged(model::BurstRecord burst) {
    burst.charge_ns = burst.allocation_window.charge_ns = kBurstChargeNs;
    burst.allocation_window.cpu_ns += kBurstChargeNs;
    return burst;
  }

  [[nodiscard]] model::BurstRecord cohort_at(unsigned at) const {
    model::BurstRecord record =
        estimate::testing::cohort(at, {1'000'000, 3'000'000, 20'000'000}, {50'000'000}, 50'000'000);
    record.process = process_;
    record.allocation_window.cpu_ns = static_cast<std::uint64_t>(kCpuShare * double{kSecondNs});
    return record;
  }

  // Some come and go, as those of a program that does now this, now that.
  std::vector<model::CallSiteCounts> sites(std::uint64_t calls) {
    std::vector<model::CallSiteCounts> result(20);
    for (std::size_t i = 0; i < result.size(); ++i) {
      const std::uint64_t place = i < 15 ? i : random_() % 1000;
      result[i].frames.push_back({"handle_" + std::to_string(place), "/usr/bin/service", 0x1000 + 16 * place, ""});
      result[i].calls = calls / result.size();
      result[i].requested_bytes = 64 * result[i].calls;
    }
    return result;
  }

  void take_counters(std::uint64_t start_ns) {
    model::PoolWatchRecord watch;
    watch.process = process_;
    watch.start_ns = start_ns;
    watch.length_ns = kStratumNs;
    watch.misses_watched = true;
    watch.pools = {estimate::testing::watched("main.buffers", 30, 3)};
    book_.keep(std::move(watch));
    gc_.keep(gc_record(start_ns, kStratumNs));
    pages_.keep(page_record(start_ns, kStratumNs));
  }

  [[nodiscard]] model::GcRecord gc_record(std::uint64_t start_ns, std::uint64_t length_ns) const {
    model::GcRecord record;
    record.process = process_;
    record.start_ns = start_ns;
    record.length_ns = length_ns;
    record.cpu_ns = kCpuOfStratumNs;
    record.counted.cycles = 2;
    record.counted.pause_ns = 100'000;
    record.counted.allocated_bytes = record.counted.bytes_of_objects = kGcBytesOfRecord;
    record.counted.allocated_objects = kGcBytesOfRecord / 64;
    record.counted.allocated_objects_by_class = {{64, kGcBytesOfRecord / 64}};
    record.heap.live_bytes = 1 << 20;
    return record;
  }

  [[nodiscard]] model::PoolPageRecord page_record(std::uint64_t start_ns, std::uint64_t length_ns) const {
    model::PoolPageRecord record;
    record.process = process_;
    record.start_ns = start_ns;
    record.length_ns = length_ns;
    auto& sums = record.pools.emplace_back();
    sums.pool.kind = "published";
    sums.pool.name = "frames";
    sums.known = PS_KNOWN_GETS | PS_KNOWN_MISSES;
    sums.counted.gets = kGetsOfRecord;
    sums.counted.misses[PS_MISS_EMPTY] = kGetsOfRecord / 10;
    sums.state.emplace().idle = 10;
    return record;
  }

  void forget_old() {
    const std::uint64_t oldest_ns = now_ns() - std::min(now_ns(), TargetMonitor::kKeepNs);
    book_.forget_before(oldest_ns);
    gc_.forget_before(oldest_ns);
    pages_.forget_before(oldest_ns);
  }

  void tell_moment() {
    model::TargetStatus status;
    status.at_ns = now_ns();
    status.name = "service";
    status.runtime = status.allocator = "native";
    status.processes = {{process_, 1, "service"}};
    status.gc_running = gc_.running();
    status.gc_ended_last = gc_.ended_last();
    target_sink_.take(book_.keep(std::move(status)));
    moment_ = {now_ns(), kBootUnixNs + now_ns(), {}, {kTarget}};
    moment_.agent.sequence = strata_;
    sink_.take(moment_);
    if (!sink_.wants_state()) return;
    target_sink_.take(book_.status());
    target_sink_.take(estimate::carry(now_ns(), gc_.total(), pages_.total()));
  }

  model::RecordSink& sink_;
  model::TargetSink target_sink_;
  RecordBook book_{target_sink_};
  GcMonitor gc_;
  PageMonitor pages_;
  budget::TokenBucket tokens_{kBudgetRatio};
  model::ProcessKey process_;
  model::Moment moment_;
  std::mt19937_64 random_{1};
  std::normal_distribution<double> normal_;
  std::uint64_t strata_ = 0, bursts_ = 0, cpu_ns_ = 0, charged_ns_ = 0;
};

}  // namespace poolscope::sampler::test
