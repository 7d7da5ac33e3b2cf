#pragma once
// summarize(): records of one target -> what we say about it. Pure: no clock, no I/O, no BPF; the agent, `report` on a
// recording and tests call the same function.
//
// Rates. Probes slow the target, so events are counted per undilated CPU second: with, per burst i, the events y_i and
// the undilated CPU time x_i = cpu_ns - charge_ns, both per second of the window (so that a window that had to be short
// weighs as much as a long one), R = sum(y_i) / sum(x_i), and the rate is R times the target's CPU seconds per second
// over all strata. A window that ended by count has (N - 1) events. The interval is R +- t(m - 1) * SE(R), the ratio
// estimator's SE over bursts (Cochran, Sampling Techniques, ch. 6), widened by nothing; it is absent below 12 bursts.
// Lifetimes. Kaplan-Meier over cohorts (weights: one over the length of the birth window), valid below the longest
// followed_ns; interval by resampling whole cohorts.

#include <cstdint>
#include <span>

#include "exporters/model/record.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

inline constexpr unsigned kBurstsForInterval = 12;
inline constexpr std::uint64_t kChurnAgeNs = 10'000'000;

struct TargetRecords {
  std::span<const model::BurstRecord> bursts;
  std::span<const model::StratumRecord> strata;
};

// The parts of a TargetSnapshot that come from records: cpu_seconds_per_second, allocations, call_sites, growth_chains,
// cost and exact. Names, labels, processes and collectors are left empty for the caller.
[[nodiscard]] model::TargetSnapshot summarize(const TargetRecords& records);

}  // namespace poolscope::estimate
