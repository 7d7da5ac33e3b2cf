#pragma once
// Short ways to write records in tests.

#include <vector>

#include "agent/estimate/summarize.h"
#include "exporters/model/record.h"

namespace poolscope::estimate::testing {

inline constexpr std::uint64_t kSecondNs = 1'000'000'000;
inline constexpr std::uint64_t kMillisecondNs = 1'000'000;

// A rate burst of one second starting at second `at`, with `cpu_seconds` of CPU time.
inline model::BurstRecord rate_burst(unsigned at, std::uint64_t allocations, double cpu_seconds = 1) {
  model::BurstRecord record;
  record.process.pid = 1;
  record.allocation_window.start_ns = at * kSecondNs;
  record.allocation_window.length_ns = kSecondNs;
  record.allocation_window.cpu_ns = static_cast<std::uint64_t>(cpu_seconds * 1e9);
  record.counts.allocations = allocations;
  return record;
}

inline model::StratumRecord stratum(double target_cpu_seconds, double seconds = 1, const char* missing = "") {
  model::StratumRecord record;
  record.length_ns = static_cast<std::uint64_t>(seconds * 1e9);
  record.target_cpu_ns = static_cast<std::uint64_t>(target_cpu_seconds * 1e9);
  record.missing = missing;
  return record;
}

// A cohort of one object per age; those in `alive_ns` were alive when last seen at that age.
inline model::BurstRecord cohort(unsigned at, const std::vector<std::uint64_t>& died_ns,
                                 const std::vector<std::uint64_t>& alive_ns, std::uint64_t followed_ns,
                                 double bytes = 100) {
  model::BurstRecord record = rate_burst(at, died_ns.size() + alive_ns.size());
  record.kind = model::BurstKind::kCohort;
  record.lifetimes.births = died_ns.size() + alive_ns.size();
  record.lifetimes.followed_ns = followed_ns;
  for (const std::uint64_t age_ns : died_ns) {
    record.lifetimes.died_ns.add(age_ns);
    record.lifetimes.died_bytes_ns.add(age_ns, bytes);
  }
  for (const std::uint64_t age_ns : alive_ns) {
    record.lifetimes.alive_ns.add(age_ns);
    record.lifetimes.alive_bytes_ns.add(age_ns, bytes);
  }
  return record;
}

inline model::TargetSnapshot summarize_all(const std::vector<model::BurstRecord>& bursts,
                                           const std::vector<model::StratumRecord>& strata) {
  return summarize({bursts, strata});
}

}  // namespace poolscope::estimate::testing
