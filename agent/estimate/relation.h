#pragma once
// What events are put in relation to, each with its own weakness, which its interval shows (docs/decisions/0006).
//   CPU time   needs the price of a hit, whose error is common to all windows.
//   Time       instead of CPU time, for one process that waits more than half of the time; the interval reaches as far as all that probes took.
//   I/O calls  beside either, for one process with read and write calls: needs no price, and is sharp where each request costs the
//              same. Taken when its interval for all events is the narrower one.
// Shares of several processes are only known by CPU time, so there the other two are not tried.

#include <optional>
#include <vector>

#include "agent/estimate/rate.h"

namespace poolscope::estimate {

// Of the whole target, per second.
struct TargetTotals {
  std::optional<double> cpu_per_second;       // undilated; absent when no stratum says it
  std::optional<double> io_calls_per_second;  // absent when a counter could not be read
};

struct RelatedEstimator {
  RateEstimator estimator;
  const char* related_to = "";  // "cpu_time", "io_calls", "time"
};

// `charge_error_ratio`: relative standard error of all charges together.
[[nodiscard]] RelatedEstimator sharpest_estimator(const std::vector<CountedWindow>& windows, const TargetTotals& totals,
                                                  double charge_error_ratio);

}  // namespace poolscope::estimate
