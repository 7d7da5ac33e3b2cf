#pragma once
// Garbage collection of a target: records of its processes -> GcSummary.
//   Counters  are added up when a record comes in and kept for the life of the target: add(). They do not fall when a process
//             ends or old records are dropped.
//   Ratios    are of the records that are given, whichever range that is.
//   Churn     takes old objects that died for new ones that died, so it is at most this; what is allocated while a cycle marks
//             survives that cycle, which shows with heaps of a few megabytes.
//   CPU       is as the runtime counts it: processors times time, so on a machine with more to run than processors it is too much.
//             Marking on idle processors is left out of both sides, where cycles were watched.
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
