#pragma once
// summarize(): records of one target -> what we say about it. Pure: no clock, no I/O, no BPF; the agent, `report` on a
// recording and tests call the same function. docs/explanation/estimates.md has the formulas with their sources.
//
//   Rates      (rate.h) Probes slow the target, so events are counted per undilated CPU second, cpu_ns - charge_ns, and
//              multiplied by the undilated CPU seconds per second of the target over all strata. The interval comes from
//              the spread over bursts and is absent below kBurstsForInterval of them.
//   Lifetimes  (lifetimes.h) Kaplan-Meier over cohorts, valid below the longest followed_ns; interval by resampling
//              whole cohorts.
//   Exact      (exact.h) When every record traced every event, the counts are the answer and nothing is estimated.
//   Order      of the records does not matter, but for pools: theirs come oldest first.

#include <cstdint>
#include <span>

#include "exporters/model/gc_record.h"
#include "exporters/model/pool_record.h"
#include "exporters/model/record.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

inline constexpr double kNsPerSecond = 1e9;
inline constexpr unsigned kBurstsForInterval = 12;
// Of fewer objects that were followed nothing is said of how long they live.
inline constexpr std::uint64_t kBirthsForLifetimes = 20;
inline constexpr std::uint64_t kChurnAgeNs = 10'000'000;
// Rates have no interval when processes that nobody saw used more than this share of the CPU time.
inline constexpr double kMostUnseen = 1.0 / 3;

struct TargetRecords {
  std::span<const model::BurstRecord> bursts;
  std::span<const model::StratumRecord> strata;
  std::span<const model::PoolBurstRecord> pool_bursts = {};
  std::span<const model::PoolWatchRecord> pool_watches = {};
  std::span<const model::GcRecord> gc = {};
  std::span<const model::BurstRecord> slice_growth = {};  // bursts that saw growths of Go slices and nothing else
  std::span<const model::ProcessKey> running = {};  // the processes that run now; what lies idle in others is gone
  bool is_go = false;
  std::span<const model::CpuShareRecord> cpu_shares = {};
};

// The parts of a TargetSnapshot that come from records: cpu_seconds_per_second, cpu_share, allocations, call_sites, growth_chains,
// pools, evidence, cost and exact. Names, labels, processes and collectors and gc are left empty for the caller (gc.h).
[[nodiscard]] model::TargetSnapshot summarize(const TargetRecords& records);

}  // namespace poolscope::estimate
