#include "exporters/prometheus/target_series.h"

#include <charconv>

#include "exporters/prometheus/target_table.h"

namespace poolscope::prometheus_text {
namespace {

// The shortest decimal text of `number`: "0.01".
std::string label_text(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

void add_identity(TargetTable& table, const model::TargetSnapshot& target) {
  table.add("target_info", kGauge, "What the target is; always 1.",
            {{{{"runtime", target.runtime}, {"allocator", target.allocator}}, 1}});
  table.add("target_processes", kGauge, "Processes of the target that are observed.",
            static_cast<double>(target.processes.size()));
}

constexpr const char* kChurnHelp =
    "Share of allocated bytes that die within poolscope_churn_age_seconds; without that, before the next collection.";

void add_rates(TargetTable& table, const model::AllocationSummary& allocations) {
  table.add_estimate("allocations_per_second",
                     "Allocations per second: estimated from bursts, or counted by the runtime of the target.",
                     allocations.per_second);
  table.add_estimate(
      "allocated_bytes_per_second",
      "Allocated bytes per second: requested, estimated from bursts, or counted by the runtime of the target.",
      allocations.bytes_per_second);
  table.add_estimate("frees_per_second", "Frees per second, estimated from bursts.", allocations.frees_per_second);
  table.add_estimate("churn_ratio", kChurnHelp, allocations.churn_ratio);
  if (allocations.churn_ratio && allocations.churn_age_seconds) {
    table.add("churn_age_seconds", kGauge, "Age below which poolscope_churn_ratio counts an object as churn.",
              *allocations.churn_age_seconds);
  }
  table.add_estimate("heap_turnover_per_second", "Allocated bytes per second over live bytes.",
                     allocations.heap_turnover_per_second);
}

void add_sizes(TargetTable& table, const model::SizeSummary& sizes) {
  std::vector<Series> series;
  append_percentiles(series, {}, sizes);
  table.add("allocation_size_bytes", kGauge, "Requested size of an allocation, by percentile.", std::move(series));
}

void add_lifetimes(TargetTable& table, const model::LifetimeSummary& lifetime) {
  std::vector<TargetTable::LabelledEstimate> estimates;
  for (const auto& [seconds, share] : lifetime.below) estimates.push_back({{{"seconds", label_text(seconds)}}, share});
  table.add_estimates("lifetime_below_ratio", "Share of objects that are freed within `seconds` of their allocation.",
                      estimates);
}

void add_cpu_share(TargetTable& table, const model::CpuShare& share) {
  std::vector<TargetTable::LabelledEstimate> parts;
  const auto add_part = [&](const char* name, const model::MaybeEstimate& part) {
    if (part) parts.push_back({{{"part", name}}, *part});
  };
  add_part("allocator", share.allocator);
  add_part("copy", share.copy);
  add_part("page_fault", share.page_fault);
  add_part("gc", share.gc);
  table.add_estimates("cpu_share_ratio",
                      "Share of the CPU time of the target in a part of its code, from samples; their sum is the most "
                      "that pooling can save.",
                      parts);
}

void add_counted(TargetTable& table, const model::Counted& counted) {
  const auto count = [&](const char* name, const char* help, std::uint64_t value) {
    table.add(name, kCounter, help, static_cast<double>(value));
  };
  count("allocations_total", "Allocations, every one counted (exact mode).", counted.allocations);
  count("allocated_bytes_total", "Requested bytes, every allocation counted (exact mode).", counted.allocated_bytes);
  count("frees_total", "Frees, every one counted (exact mode).", counted.frees);
  count("reallocations_total", "Reallocations of live blocks, every one counted (exact mode).", counted.reallocations);
}

void add_gc_counters(TargetTable& table, const model::GcSummary& gc) {
  const auto count = [&](const char* name, const char* help, double value) { table.add(name, kCounter, help, value); };
  count("gc_cycles_total", "Garbage collections.", static_cast<double>(gc.cycles));
  count("gc_pause_seconds_total", "Time for which garbage collections stopped the program.", gc.pause_seconds);
  if (gc.allocated_bytes) {
    count("gc_allocated_bytes_total", "Bytes allocated in the heap that is collected.",
          static_cast<double>(*gc.allocated_bytes));
  }
  if (gc.allocated_objects) {
    count("gc_allocated_objects_total", "Objects allocated in the heap that is collected.",
          static_cast<double>(*gc.allocated_objects));
  }
}

void add_gc_gauges(TargetTable& table, const model::GcSummary& gc) {
  const auto gauge = [&](const char* name, const char* help, const auto& value) {
    if (value) table.add(name, kGauge, help, static_cast<double>(*value));
  };
  gauge("gc_heap_goal_bytes", "Heap size that starts the next garbage collection.", gc.goal_bytes);
  gauge("heap_live_bytes", "Heap that the last garbage collection found in use.", gc.live_bytes);
  gauge("gc_cpu_ratio", "Share of the CPU time of the target that goes to garbage collection.", gc.cpu_ratio);
  gauge("gc_assist_cpu_ratio", "Part of poolscope_gc_cpu_ratio that allocating goroutines had to do.",
        gc.assist_cpu_ratio);
}

void add_cost(TargetTable& table, const model::Cost& cost) {
  table.add("probe_hits_total", kCounter, "Executions of our probes in the target.",
            static_cast<double>(cost.probe_hits));
  table.add("probe_charged_cpu_seconds_total", kCounter,
            "CPU time that probes took from the target: probe hits times calibrated cost.", cost.charged_cpu_seconds);
  table.add("observed_seconds_total", kCounter, "Time during which the target was observed, in bursts and between.",
            cost.observed_seconds);
  table.add_counts("bursts_total", "Bursts by outcome: taken, or why none was.", "outcome", cost.bursts);
  table.add_counts("events_dropped_total", "Events that were seen but not recorded, by reason.", "reason",
                   cost.dropped);
}

void add_collectors(TargetTable& table, const std::vector<model::CollectorStatus>& collectors) {
  std::vector<Series> series;
  series.reserve(collectors.size());
  for (const auto& collector : collectors) {
    series.push_back(
        {{{"collector", collector.name}, {"state", model::state_name(collector.state)}, {"reason", collector.reason}},
         1});
  }
  table.add("collector_state", kGauge, "State of each collector: 1 for the state it is in.", std::move(series));
}

}  // namespace

void add_target(FamilyTable& families, const model::TargetSnapshot& target, bool with_estimates) {
  TargetTable table(families, target);
  add_identity(table, target);
  if (with_estimates) {
    add_rates(table, target.allocations);
    if (target.allocations.size_bytes) add_sizes(table, *target.allocations.size_bytes);
    if (target.allocations.lifetime) add_lifetimes(table, *target.allocations.lifetime);
    if (target.cpu_share) add_cpu_share(table, *target.cpu_share);
  }
  if (target.exact && model::allocations_were_watched(target)) add_counted(table, target.allocations.counted);
  if (target.gc) {
    add_gc_counters(table, *target.gc);
    if (with_estimates) add_gc_gauges(table, *target.gc);
    if (with_estimates && !target.allocations.churn_ratio && target.gc->churn_ratio) {
      table.add("churn_ratio", kGauge, kChurnHelp, *target.gc->churn_ratio);
    }
  }
  add_collectors(table, target.collectors);
  add_cost(table, target.cost);
}

}  // namespace poolscope::prometheus_text
