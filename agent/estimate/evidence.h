#pragma once
// How many bursts there are, how many the next step asks for, and how long that takes at the pace of the last ones.

#include <vector>

#include "agent/estimate/summarize.h"

namespace poolscope::estimate {

// Below it advice is to keep what there is.
inline constexpr unsigned kBurstsForAdvice = 30;

// One for each kind of burst that was taken, nothing for exact records.
[[nodiscard]] std::vector<model::BurstEvidence> gather_evidence(const TargetRecords& records);

}  // namespace poolscope::estimate
