#pragma once
// Snapshots as series: of a report one estimate per metric, of a recording one sample per piece of time.
//   Metrics   rates, churn, CPU time and garbage collection of each target; gets, misses, hit ratio and idle memory of each pool.
//   Names     "redis-server", "shop pool main.pageBuffers".
//   Samples   come from snapshots of pieces of time that do not overlap, long enough for their estimates to differ by chance alone
//             (docs/reference/compare.md says why a minute). A piece in which a metric was not measured gives no sample.

#include <span>
#include <string>

#include "agent/compare/measurements.h"
#include "exporters/model/snapshot.h"

namespace poolscope::compare {

[[nodiscard]] Measurements series_of_report(const model::Snapshot& report, const std::string& source);
// `pieces` are in the order of time.
[[nodiscard]] Measurements series_of_pieces(std::span<const model::Snapshot> pieces, const std::string& source);

}  // namespace poolscope::compare
