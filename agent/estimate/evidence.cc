#include "agent/estimate/evidence.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace poolscope::estimate {
namespace {

constexpr std::size_t kPaceBursts = 5;

using Starts = std::map<std::string, std::vector<std::uint64_t>>;  // by collector

Starts starts_of_bursts(const TargetRecords& records) {
  Starts starts;
  for (const auto& record : records.bursts) {
    const bool is_rate = record.kind == model::BurstKind::kRate;
    if (is_rate || record.kind == model::BurstKind::kCohort)
      starts[is_rate ? "alloc_bursts" : "alloc_cohorts"].push_back(record.allocation_window.start_ns);
  }
  for (const auto& record : records.pool_bursts) {
    if (!record.exact) starts[records.is_go ? "go_pools" : "custom_pools"].push_back(record.window.start_ns);
  }
  for (const auto& record : records.slice_growth) {
    if (record.kind != model::BurstKind::kExact) starts["go_growth"].push_back(record.allocation_window.start_ns);
  }
  return starts;
}

// Seconds from one burst to the next, of the last ones.
std::optional<double> pace_seconds(const std::vector<std::uint64_t>& starts_ns) {
  const std::size_t gaps = std::min(starts_ns.size() - 1, kPaceBursts);
  if (gaps == 0) return std::nullopt;
  return static_cast<double>(starts_ns.back() - starts_ns[starts_ns.size() - 1 - gaps]) * 1e-9 /
         static_cast<double>(gaps);
}

}  // namespace

std::vector<model::BurstEvidence> gather_evidence(const TargetRecords& records) {
  std::vector<model::BurstEvidence> all;
  for (auto& [collector, starts_ns] : starts_of_bursts(records)) {
    std::ranges::sort(starts_ns);
    model::BurstEvidence evidence{collector, starts_ns.size(), std::nullopt, "", std::nullopt};
    if (evidence.bursts < kBurstsForAdvice) {
      const bool has_interval = evidence.bursts >= kBurstsForInterval;
      evidence.needed_bursts = has_interval ? kBurstsForAdvice : kBurstsForInterval;
      evidence.needed_for = has_interval ? "advice" : "intervals";
      if (const auto pace = pace_seconds(starts_ns))
        evidence.needed_seconds = *pace * static_cast<double>(*evidence.needed_bursts - evidence.bursts);
    }
    all.push_back(std::move(evidence));
  }
  return all;
}

}  // namespace poolscope::estimate
