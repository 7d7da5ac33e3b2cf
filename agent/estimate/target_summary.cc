#include "agent/estimate/target_summary.h"

#include <cmath>
#include <string>
#include <vector>

#include "agent/estimate/gc.h"
#include "agent/estimate/hot_allocator.h"
#include "agent/estimate/sample.h"

namespace poolscope::estimate {
namespace {

// Rates without limits need a reason.
void tell_what_was_not_seen(std::vector<model::CollectorStatus>& collectors, double ended_cpu_ratio) {
  for (auto& collector : collectors) {
    const bool counts_allocations = collector.name == "alloc_bursts" || collector.name == "alloc_cohorts";
    if (!counts_allocations) continue;
    const std::string before = collector.detail.empty() ? "" : "; " + collector.detail;
    collector.detail = std::to_string(std::lround(100 * ended_cpu_ratio)) +
                       " % of the CPU time was used by processes that ended before they could be probed: "
                       "what is said is of the others, without intervals" +
                       before;
  }
}

// Bursts were taken, and their rates are withheld: the collector collects nothing that anybody can read.
void tell_that_rates_are_withheld(model::TargetSnapshot& target, const TargetRecords& records) {
  if (target.exact || target.allocations.per_second || target.allocations.counted.allocations == 0) return;
  const auto price = check_price(records.bursts, records.strata, &model::BurstRecord::allocation_window);
  const auto why = why_charge_is_too_low(in_time_order(records.bursts), price, target.cpu_share);
  if (!why) return;
  for (auto& collector : target.collectors) {
    if (collector.name != "alloc_bursts" || collector.state != model::CollectorState::kCollecting) continue;
    collector.state = model::CollectorState::kUnavailable;
    collector.reason = "too_hot";
    collector.detail = *why;
  }
}

}  // namespace

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
  tell_that_rates_are_withheld(target, records);
  if (target.cost.ended_cpu_ratio.value_or(0) > kMostUnseen)
    tell_what_was_not_seen(target.collectors, *target.cost.ended_cpu_ratio);
  target.gc = summarize_gc(view.gc_total, view.records.gc, status.gc_running, status.gc_ended_last);
  if (target.gc) add_runtime_rates(*target.gc, target.allocations);
  return target;
}

}  // namespace poolscope::estimate
