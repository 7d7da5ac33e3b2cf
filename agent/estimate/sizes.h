#pragma once
// Requested sizes over all windows: each window counts with its weight in the rate, so that a short one in a busy moment
// is not outvoted by long ones in quiet moments.
//   Interval  of a quantile: the buckets that a test at 5 % does not exclude, where the share of sizes up to a bucket is a ratio of sums
//             over windows and has the error of one (Woodruff 1952), at least that of independent sizes. Bucket ends, so it is
//             never narrower than a bucket. Absent below kBurstsForInterval windows with sizes and for exact records.

#include <optional>

#include "agent/estimate/sample.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

// Nothing when no size was seen.
[[nodiscard]] std::optional<model::SizeSummary> summarize_sizes(const Sample& sample, bool exact);

// Nothing when it is empty.
[[nodiscard]] std::optional<model::SizeSummary> size_summary(const model::Histogram& sizes);

// Mean of the squared sizes of the bucket middles, for the Poisson variance of byte counts; 0 when empty.
[[nodiscard]] double mean_square(const model::Histogram& sizes);

}  // namespace poolscope::estimate
