#pragma once
// Garbage collection of a target: records of its processes -> GcSummary.
//   Counters  are added up when a record comes in and kept for the life of the target: add(). They do not fall when a process
//             ends or old records are dropped.
//   Rates     are what the counters grew by. Go books what is allocated when a span of memory is full or a collection runs: a rate is
//             absent while neither has happened, because 0 would be no answer. Objects below 16 bytes without pointers share blocks;
//             a block is what is counted.
//   Objects   are absent, in sum or as a rate, where more than 1 % of the bytes beside them are not of objects that were read.
//   Ratios    are of the records that are given, whichever range that is.
//   Churn     takes old objects that died for new ones that died, so it is at most this; what is allocated while a cycle marks
//             survives that cycle, which shows with heaps of a few megabytes.
//   CPU       is as the runtime counts it: processors times time, so on a machine with more to run than processors it is too much.
//             Marking on idle processors is left out of both sides, where cycles were watched.
//   Heap      is that of the processes that run. Who asks for it gets the heap of the last process, as it was when it ended.

#include <functional>
#include <map>
#include <optional>
#include <span>

#include "exporters/model/gc_record.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

void add(model::GcCounters& total, const model::GcCounters& more);

// What all records of a target add up to. A process that is looked at anew, after a reload of the configuration, tells again what it had
// counted until then: that is added once.
class GcTotals {
 public:
  // Takes out of `record` what was added before. Who counted less than before runs another program.
  void add(model::GcRecord& record);
  // It has ended, or runs another program.
  void forget(const model::ProcessKey& process) { of_process_.erase(process); }
  // All of which `has_ended` says so.
  void forget_if(const std::function<bool(const model::ProcessKey&)>& has_ended);
  [[nodiscard]] const model::GcCounters& total() const { return total_; }

 private:
  model::GcCounters total_;
  std::map<model::ProcessKey, model::GcCounters> of_process_;
};

// `total`: of every record the target ever had. `records`: of the range that ratios and rates are about, each process's in order.
// `running`: the processes whose heaps count; without any, `ended_last` has the heap that is told, marked as such. Nothing when the
// target has no records.
[[nodiscard]] std::optional<model::GcSummary> summarize_gc(const model::GcCounters& total,
                                                           std::span<const model::GcRecord> records,
                                                           std::span<const model::ProcessKey> running,
                                                           std::optional<model::ProcessKey> ended_last = std::nullopt);

// What the runtime counts as rates of the target, unless probes saw them. A count has no error: low and high are the value.
void add_runtime_rates(const model::GcSummary& gc, model::AllocationSummary& allocations);

}  // namespace poolscope::estimate
