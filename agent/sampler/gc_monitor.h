#pragma once
// GcMonitor: the garbage collectors of the Go processes of one target.
//   Memory    records of the last TargetMonitor::kKeepNs; counters are kept for the life of the target.
//   Threads   one.

#include <optional>
#include <span>
#include <vector>

#include "agent/estimate/gc.h"
#include "exporters/model/gc_record.h"
#include "exporters/model/snapshot.h"
#include "probes/collectors/go_runtime.h"

namespace poolscope::sampler {

class GcMonitor {
 public:
  // Reads the collector of a process; what watching it took, in CPU time.
  std::uint64_t read(probes::GoRuntime& runtime);
  void forget(const model::ProcessKey& key) { totals_.forget(key); }
  void forget_before(std::uint64_t oldest_ns);
  [[nodiscard]] bool has_data() const { return !records_.empty(); }
  [[nodiscard]] std::optional<model::GcSummary> summary(std::span<const model::ProcessKey> running) const;
  [[nodiscard]] const std::vector<model::GcRecord>& records() const { return records_; }

 private:
  estimate::GcTotals totals_;
  std::vector<model::GcRecord> records_;  // oldest first
};

}  // namespace poolscope::sampler
