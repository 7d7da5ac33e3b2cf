#pragma once
// What events are put in relation to, each with its own weakness, which its interval shows (docs/decisions/0006).
//   CPU time   needs the price of a hit, whose error is common to all windows.
//   Time       instead of CPU time, for one process that waits more than half of the time, but for the probes: where these take a tenth of the CPU
//              time of windows; the interval reaches as far as all that they took. Where they take less, CPU time is as sure, and the sharper one when
//              the load comes and goes: the CPU time of all time is known, and windows may have met none of the pauses.
//   I/O calls  beside either, for one process with read and write calls: needs no price, and is sharp where each request costs the
//              same. Taken when its interval for all events is the narrower one.
//   Waits      beside time, for one process that makes no calls and has caught up at the end of most windows: its pauses may be of fixed length, and then
//              nothing makes up for what probes took, but it does as much from one wait to the next. Taken when its interval is the narrower one.
// Shares of several processes are only known by CPU time, so there the others are not tried.

#include <optional>
#include <vector>

#include "agent/estimate/rate.h"

namespace poolscope::estimate {

// Of the whole target, per second.
struct TargetTotals {
  std::optional<double> cpu_per_second;         // undilated; absent when no stratum says it
  std::optional<double> io_calls_per_second;    // absent when a counter could not be read
  std::optional<double> waits_per_second = {};  // the same
};

struct RelatedEstimator {
  RateEstimator estimator;
  const char* related_to = "";  // "cpu_time", "io_calls", "time", "waits"
};

// `charge_error_ratio`: relative standard error of all charges together.
[[nodiscard]] RelatedEstimator sharpest_estimator(const std::vector<CountedWindow>& windows, const TargetTotals& totals,
                                                  double charge_error_ratio);

}  // namespace poolscope::estimate
