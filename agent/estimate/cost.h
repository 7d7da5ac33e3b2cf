#pragma once
// What measuring took from the target, how much of the time was looked at, and what was lost.

#include <span>

#include "agent/estimate/summarize.h"

namespace poolscope::estimate {

// Sums over all records and strata. The charge is put in relation to the CPU time of all strata, or of the windows when
// there are none (exact runs). clamped_windows is left to the caller, who has the estimators.
[[nodiscard]] model::Cost summarize_cost(const TargetRecords& records);

}  // namespace poolscope::estimate
