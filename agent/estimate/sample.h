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

// How a sample turns counts into rates: everything traced, or windows against the target's CPU time.
struct Basis {
  bool exact = false;
  std::optional<double> target_cpu_per_second;  // undilated; absent when no stratum says it
  PriceCheck allocation_price, free_price;
};

// By start, then process: sums of doubles and resampling must not depend on the order in which records arrived.
[[nodiscard]] RecordList in_time_order(std::span<const model::BurstRecord> records);

struct Sample {
  RecordList records;
  RateEstimator estimator;

  // Records whose allocation window has a length.
  static Sample of_allocations(const RecordList& records, const Basis& basis);
  // Records whose free window has a length.
  static Sample of_frees(const RecordList& records, const Basis& basis);

  [[nodiscard]] model::MaybeEstimate rate(const std::function<WindowCount(const model::BurstRecord&)>& count_of) const;
};

}  // namespace poolscope::estimate
