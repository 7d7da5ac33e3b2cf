#pragma once
// Who allocates: calls merged by chain of callers, most calls first.
//   Generation   only records of the highest site_generation: earlier ones followed fewer callers, so the same call would
//                appear under two names.
//   Site         the last frame: the collector climbs only while the callers are allocation wrappers.
//   Bounded      the kLargestCallSites busiest; the others are summed as one site named "(other)".
//   Short-lived  absent below 20 followed births; cohorts that ended before the churn age do not count.

#include <vector>

#include "agent/estimate/sample.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

inline constexpr std::size_t kLargestCallSites = 50;

// The frame that a chain of callers is named after; "(unknown)" when no caller could be read.
[[nodiscard]] model::Frame site_of(const std::vector<model::Frame>& frames);

// Those that followed callers as far as the last of them.
[[nodiscard]] RecordList of_highest_generation(const RecordList& records);

[[nodiscard]] std::vector<model::CallSite> estimate_call_sites(const RecordList& records, const Basis& basis);

}  // namespace poolscope::estimate
