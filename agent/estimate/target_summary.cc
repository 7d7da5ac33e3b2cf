#include "agent/estimate/target_summary.h"

#include <vector>

#include "agent/estimate/gc.h"

namespace poolscope::estimate {

model::TargetSnapshot summarize_target(const TargetView& view) {
  const model::TargetStatus& status = view.status;
  std::vector<model::ProcessKey> running;
  running.reserve(status.processes.size());
  for (const auto& process : status.processes) running.push_back(process.key);
  TargetRecords records = view.records;
  records.running = running;
  records.is_go = status.runtime == "go";
  model::TargetSnapshot target = summarize(records);
  add_published_pools(target.pools, view.published, view.pages);
  target.name = status.name;
  target.runtime = status.runtime;
  target.allocator = status.allocator;
  target.labels = status.labels;
  target.processes = status.processes;
  target.collectors = status.collectors;
  target.exact |= status.exact;
  target.gc = summarize_gc(view.gc_total, view.records.gc, status.gc_running, status.gc_ended_last);
  if (target.gc) add_runtime_rates(*target.gc, target.allocations);
  return target;
}

}  // namespace poolscope::estimate
