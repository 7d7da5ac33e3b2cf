#pragma once
// PriceCheck: what a hit really costs in this target, over what calibration said.
//
// Calibration prices a hit in a small loop; in a service a hit also finds cold caches and leaves them colder. Where the
// target has a work counter that probes do not touch (model::Work: the bytes that a Go runtime counts, read and write calls, else
// waits), the truth shows: outside bursts it does w units of work per CPU second, so the work it did inside a window took work / w of
// CPU time, and what is left of the window's CPU time was taken by probes. The factor is the ratio of that to the charge,
// summed over bursts.
//   Error     standard error over bursts of the summed residuals; combined with the prior by inverse variance, so that few
//             bursts or work that does not go with CPU time change little.
//   Time      one process that waits more than half of the time, and has no such counter, is compared with as much time outside; what that finds
//             counts only where it makes hits dearer, because work that waits for answers comes more slowly inside windows. No better than 8 %: many
//             windows average out what differs between them, and not that.
//   Absent    no work counter, too little work inside windows, or less than a quarter of the CPU time outside them: the prior.
//   Prior     1 +- 0.2. In a Go program 1.5 +- 0.4: a saturated service of 18 pools, whose caches hold much else between two gets, lost 1.9
//             times the charge in windows of a second and 2.6 times in those of 5 ms. cost.measured_cpu_ratio over
//             cost.charged_cpu_ratio shows it of any target.

#include <span>
#include <vector>

#include "exporters/model/pool_record.h"
#include "exporters/model/record.h"

namespace poolscope::estimate {

struct PriceCheck {
  static constexpr double kPriorError = 0.2;
  static constexpr double kLeastWork = 400;  // calls or waits, inside windows
  static constexpr double kLeastAllocatedBytes =
      4.0 * (1 << 20);  // a runtime counts spans of 8 KiB and more, not objects

  double factor = 1;
  double standard_error = kPriorError;
  bool is_measured = false;  // from a work counter, with a smaller error than the prior

  [[nodiscard]] static PriceCheck prior_of_go() { return {1.5, 0.4, false}; }
  [[nodiscard]] double error_ratio() const { return standard_error / factor; }
  // The window with its charge times the factor.
  [[nodiscard]] model::Window corrected(const model::Window& window) const;
};

[[nodiscard]] PriceCheck check_price(std::span<const model::BurstRecord> records,
                                     std::span<const model::StratumRecord> strata,
                                     model::Window model::BurstRecord::*window);
// Of the probes on pools and on growing slices, which take turns in the same process.
[[nodiscard]] PriceCheck check_pool_price(std::span<const model::PoolBurstRecord> pools,
                                          std::span<const model::BurstRecord> slice_growth,
                                          std::span<const model::StratumRecord> strata, const PriceCheck& prior);

}  // namespace poolscope::estimate
