#include "agent/estimate/hot_allocator.h"

#include <algorithm>
#include <cmath>

#include "agent/estimate/rate.h"

namespace poolscope::estimate {

std::optional<std::string> why_charge_is_too_low(const std::vector<const model::BurstRecord*>& records,
                                                 const PriceCheck& price, const std::optional<model::CpuShare>& share) {
  if (!share || !share->allocator || !share->allocator->low) return std::nullopt;
  double cpu_ns = 0, charge_ns = 0, allocations = 0;
  for (const model::BurstRecord* record : records) {
    if (record->kind != model::BurstKind::kRate) continue;
    cpu_ns += static_cast<double>(record->allocation_window.cpu_ns);
    charge_ns += static_cast<double>(price.corrected(record->allocation_window).charge_ns);
    allocations += static_cast<double>(record->counts.allocations + record->counts.reallocations);
  }
  if (allocations <= 0 || charge_ns < kUncertainChargeShare * cpu_ns) return std::nullopt;
  const double believed_ns = std::min(charge_ns, kLargestChargeShare * cpu_ns);  // as rates subtract it
  const double call_ns = *share->allocator->low * (cpu_ns - believed_ns) / allocations;
  if (call_ns <= kSlowestCallNs) return std::nullopt;
  return "L2 refused: probes would slow the target by more than can be told: they are " +
         std::to_string(std::lround(100 * std::min(charge_ns / cpu_ns, 1.0))) +
         " % of the CPU time in bursts, and samples see " + std::to_string(std::lround(100 * share->allocator->value)) +
         " % of the target's own in its allocator";
}

}  // namespace poolscope::estimate
