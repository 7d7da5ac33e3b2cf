#pragma once
// Garbage collection of a target: records of its processes -> GcSummary.
//   Counters  are added up when a record comes in and kept for the life of the target: add(). They do not fall when a process
//             ends or old records are dropped.
//   Ratios    are of the records that are given, whichever range that is.
//   Heap      is that of the processes that run.

#include <optional>
#include <span>

#include "exporters/model/gc_record.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

void add(model::GcCounters& total, const model::GcCounters& more);

// `total`: of every record the target ever had. `records`: of the range that ratios and rates are about, each process's in order.
// `running`: the processes whose heaps count. Nothing when the target has no records.
[[nodiscard]] std::optional<model::GcSummary> summarize_gc(const model::GcCounters& total,
                                                           std::span<const model::GcRecord> records,
                                                           std::span<const model::ProcessKey> running);

}  // namespace poolscope::estimate
