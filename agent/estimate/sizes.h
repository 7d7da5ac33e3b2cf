#pragma once
// Requested sizes over all windows: each window counts with its weight in the rate, so that a short one in a busy moment
// is not outvoted by long ones in quiet moments.

#include <optional>

#include "agent/estimate/sample.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

// Nothing when no size was seen.
[[nodiscard]] std::optional<model::SizeSummary> summarize_sizes(const Sample& sample);

// Nothing when it is empty.
[[nodiscard]] std::optional<model::SizeSummary> size_summary(const model::Histogram& sizes);

// Mean of the squared sizes of the bucket middles, for the Poisson variance of byte counts; 0 when empty.
[[nodiscard]] double mean_square(const model::Histogram& sizes);

}  // namespace poolscope::estimate
