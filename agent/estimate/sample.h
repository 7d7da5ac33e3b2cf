#pragma once
// Sample: the records that share one kind of window, each with the weight it has in the estimates.

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "agent/estimate/price_check.h"
#include "agent/estimate/rate.h"
#include "exporters/model/record.h"

namespace poolscope::estimate {

using RecordList = std::vector<const model::BurstRecord*>;

// How a sample turns counts into rates: everything traced, or windows in relation to what is known of the whole target.
// Several relations are tried, and the one whose interval for all events is narrowest is taken: each has its own weakness,
// and the interval shows it.
//   CPU time   always there; needs the price of a hit, whose error is common to all windows.
//   I/O calls  one process with read and write calls: needs no price, and is sharp where each request costs the same.
//   Time       one process that waits more than half of the time; the doubt is half of what probes took.
// Shares of several processes are only known by CPU time, so there the other two are not tried.
struct Basis {
  bool exact = false;
  std::optional<double> cpu_per_second;       // of the target, undilated; absent when no stratum says it
  std::optional<double> io_calls_per_second;  // of the target; absent when a counter could not be read
  PriceCheck allocation_price, free_price;
};

// By start, then process: sums of doubles and resampling must not depend on the order in which records arrived.
[[nodiscard]] RecordList in_time_order(std::span<const model::BurstRecord> records);

struct Sample {
  RecordList records;
  RateEstimator estimator;
  const char* related_to = "";  // "cpu_time", "io_calls", "time", "allocations"; "" when exact

  // Records whose allocation window has a length.
  static Sample of_allocations(const RecordList& records, const Basis& basis);
  // Records whose free window has a length.
  static Sample of_frees(const RecordList& records, const Basis& basis);

  // Records whose allocation window counted frees too, in relation to the allocations there: no price is needed.
  static Sample of_frees_beside(const RecordList& records, const model::Estimate& allocations_per_second);

  using CountOf = std::function<WindowCount(const model::BurstRecord&)>;
  [[nodiscard]] model::MaybeEstimate rate(const CountOf& count_of) const;
  // What was counted in all windows together.
  [[nodiscard]] double total(const CountOf& count_of) const;
};

}  // namespace poolscope::estimate
