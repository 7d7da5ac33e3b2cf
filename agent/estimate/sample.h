#pragma once
// Sample: the records that share one kind of window, each with the weight it has in the estimates.

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "agent/estimate/price_check.h"
#include "agent/estimate/rate.h"
#include "agent/estimate/relation.h"
#include "exporters/model/record.h"

namespace poolscope::estimate {

using RecordList = std::vector<const model::BurstRecord*>;

// How a sample turns counts into rates: everything traced, or windows in relation to what is known of the whole target.
struct Basis {
  bool exact = false;
  TargetTotals totals;
  PriceCheck allocation_price, free_price;
};

// By start, then process: sums of doubles and resampling must not depend on the order in which records arrived.
[[nodiscard]] RecordList in_time_order(std::span<const model::BurstRecord> records);

struct Sample {
  RecordList records;
  RateEstimator estimator;
  const char* related_to = "";  // "cpu_time", "io_calls", "time", "waits", "allocations"; "" when exact

  // Records whose allocation window has a length.
  static Sample of_allocations(const RecordList& records, const Basis& basis);
  // Records whose free window has a length, and cohorts that their hit limit ended before it began: frees_in_window() counts.
  static Sample of_frees(const RecordList& records, const Basis& basis);

  // Records whose allocation window counted frees too, in relation to the allocations there: no price is needed.
  static Sample of_frees_beside(const RecordList& records, const model::Estimate& allocations_per_second);

  using CountOf = std::function<WindowCount(const model::BurstRecord&)>;
  [[nodiscard]] model::MaybeEstimate rate(const CountOf& count_of) const;
  // What was counted in all windows together.
  [[nodiscard]] double total(const CountOf& count_of) const;
};

// Frees in the window that of_frees() looks at.
[[nodiscard]] std::uint64_t frees_in_window(const model::BurstRecord& record);

}  // namespace poolscope::estimate
