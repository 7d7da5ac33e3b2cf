#pragma once
// PriceCheck: what a hit really costs in this target, over what calibration said.
//
// Calibration prices a hit in a small loop; in a service a hit also finds cold caches and leaves them colder. Where the
// target has a work counter that probes do not touch (model::Work: its read and write calls, else its waits), the truth
// shows: outside bursts it does w units of work per CPU second, so the work it did inside a window took work / w of CPU
// time, and what is left of the window's CPU time was taken by probes. The factor is the ratio of that to the charge,
// summed over bursts.
//   Error     standard error over bursts of the summed residuals; combined with the prior (factor 1 +- kPriorError) by
//             inverse variance, so that few bursts or work that does not go with CPU time change little.
//   Absent    no work counter, or less than kLeastWork units inside windows: the prior.

#include <span>

#include "exporters/model/record.h"

namespace poolscope::estimate {

struct PriceCheck {
  static constexpr double kPriorError = 0.2;
  static constexpr double kLeastWork = 400;

  double factor = 1;
  double standard_error = kPriorError;
  bool is_measured = false;  // from a work counter, with a smaller error than the prior

  [[nodiscard]] double error_ratio() const { return standard_error / factor; }
  // The window with its charge times the factor.
  [[nodiscard]] model::Window corrected(const model::Window& window) const;
};

[[nodiscard]] PriceCheck check_price(std::span<const model::BurstRecord> records,
                                     std::span<const model::StratumRecord> strata,
                                     model::Window model::BurstRecord::*window);

}  // namespace poolscope::estimate
