#pragma once
// GcMonitor: the garbage collectors of the Go processes of one target.
//   Memory    records of the last TargetMonitor::keep_ns(); sums are kept for the life of the target, and of each process that lives.
//   Threads   one.

#include <optional>
#include <set>
#include <span>
#include <vector>

#include "agent/estimate/gc.h"
#include "exporters/model/gc_record.h"
#include "exporters/model/snapshot.h"
#include "exporters/model/target_record.h"
#include "probes/collectors/go_runtime.h"

namespace poolscope::sampler {

class GcMonitor {
 public:
  void set_sink(const model::TargetSink& sink) { sink_ = sink; }
  // Reads the collector of a process; what watching it took, in CPU time.
  std::uint64_t read(probes::GoRuntime& runtime);
  // One more; read() calls it.
  void keep(model::GcRecord record);
  // It has ended, or runs another program.
  void forget(const model::ProcessKey& key);
  // The processes that the target has now. What is known of others goes when they have ended: one that comes back is added once.
  void set_processes(std::span<const model::ProcessKey> keys);
  void forget_before(std::uint64_t oldest_ns);
  // How often anything of it has changed so far.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  [[nodiscard]] bool has_data() const { return !records_.empty(); }
  // Of every record there was, and of those that are not kept any more.
  [[nodiscard]] const model::GcCounters& total() const { return totals_.total(); }
  [[nodiscard]] const model::GcCounters& forgotten() const { return forgotten_; }
  // That were read and still run the program that was read; the one that ended last.
  [[nodiscard]] std::vector<model::ProcessKey> running() const { return {processes_.begin(), processes_.end()}; }
  [[nodiscard]] const std::optional<model::ProcessKey>& ended_last() const { return ended_last_; }
  [[nodiscard]] const std::vector<model::GcRecord>& records() const { return records_; }

 private:
  model::TargetSink sink_;
  estimate::GcTotals totals_;
  model::GcCounters forgotten_;
  std::uint64_t changes_ = 0;
  std::vector<model::GcRecord> records_;   // oldest first
  std::set<model::ProcessKey> processes_;  // that were read and still run the program that was read
  std::optional<model::ProcessKey> ended_last_;
};

}  // namespace poolscope::sampler
