#include "exporters/prometheus/target_series.h"

#include <charconv>

#include "exporters/prometheus/labels.h"

namespace poolscope::prometheus_text {
namespace {

using ::prometheus::MetricType;

constexpr auto kGauge = MetricType::Gauge;
constexpr auto kCounter = MetricType::Counter;

// The shortest decimal text of `number`: "0.01".
std::string label_text(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

// Adds series of one target: puts its labels in front of theirs.
class TargetTable {
 public:
  TargetTable(FamilyTable& table, const model::TargetSnapshot& target) : table_(table) {
    labels_.push_back({"target", target.name});
    for (const auto& [name, value] : target.labels) {
      if (is_valid_label_name(name) && !is_reserved_label_name(name)) labels_.push_back({name, value});
    }
  }

  void add(const char* name, MetricType type, const char* help, std::vector<Series> series) {
    for (Series& one : series) one.labels.insert(one.labels.begin(), labels_.begin(), labels_.end());
    table_.add_of_target({std::string("poolscope_") + name, type, help}, std::move(series));
  }
  void add(const char* name, MetricType type, const char* help, double value) { add(name, type, help, {{{}, value}}); }

  // One estimate per set of labels: three families.
  struct LabelledEstimate {
    Labels labels;
    model::Estimate estimate;
  };
  void add_estimates(const std::string& name, const char* help, const std::vector<LabelledEstimate>& estimates) {
    std::vector<Series> values, lows, highs;
    for (const auto& [labels, estimate] : estimates) {
      values.push_back({labels, estimate.value});
      if (estimate.low) lows.push_back({labels, *estimate.low});
      if (estimate.high) highs.push_back({labels, *estimate.high});
    }
    const std::string interval = " of the 95 % interval of poolscope_" + name + ".";
    add(name.c_str(), kGauge, help, std::move(values));
    add((name + "_low").c_str(), kGauge, ("Lower end" + interval).c_str(), std::move(lows));
    add((name + "_high").c_str(), kGauge, ("Upper end" + interval).c_str(), std::move(highs));
  }
  void add_estimate(const std::string& name, const char* help, const model::MaybeEstimate& estimate) {
    if (estimate) add_estimates(name, help, {{{}, *estimate}});
  }
  void add_counts(const char* name, const char* help, const char* label,
                  const std::map<std::string, std::uint64_t>& counts) {
    std::vector<Series> series;
    series.reserve(counts.size());
    for (const auto& [key, count] : counts) series.push_back({{{label, key}}, static_cast<double>(count)});
    add(name, kCounter, help, std::move(series));
  }

 private:
  FamilyTable& table_;
  Labels labels_;
};

void add_identity(TargetTable& table, const model::TargetSnapshot& target) {
  table.add("target_info", kGauge, "What the target is; always 1.",
            {{{{"runtime", target.runtime}, {"allocator", target.allocator}}, 1}});
  table.add("target_processes", kGauge, "Processes of the target that are observed.",
            static_cast<double>(target.processes.size()));
}

void add_rates(TargetTable& table, const model::AllocationSummary& allocations) {
  table.add_estimate("allocations_per_second", "Allocations per second, estimated from bursts.",
                     allocations.per_second);
  table.add_estimate("allocated_bytes_per_second", "Requested bytes per second, estimated from bursts.",
                     allocations.bytes_per_second);
  table.add_estimate("frees_per_second", "Frees per second, estimated from bursts.", allocations.frees_per_second);
  table.add_estimate("churn_ratio", "Share of allocated bytes that die within poolscope_churn_age_seconds.",
                     allocations.churn_ratio);
  if (allocations.churn_ratio && allocations.churn_age_seconds) {
    table.add("churn_age_seconds", kGauge, "Age below which poolscope_churn_ratio counts an object as churn.",
              *allocations.churn_age_seconds);
  }
  table.add_estimate("heap_turnover_per_second", "Allocated bytes per second over live bytes.",
                     allocations.heap_turnover_per_second);
}

void add_sizes(TargetTable& table, const model::SizeSummary& sizes) {
  std::vector<Series> series;
  for (const auto& [percentile, bytes] : {std::pair{"50", sizes.p50}, {"95", sizes.p95}, {"99", sizes.p99}}) {
    series.push_back({{{"percentile", percentile}}, static_cast<double>(bytes)});
  }
  table.add("allocation_size_bytes", kGauge, "Requested size of an allocation, by percentile.", std::move(series));
}

void add_lifetimes(TargetTable& table, const model::LifetimeSummary& lifetime) {
  std::vector<TargetTable::LabelledEstimate> estimates;
  for (const auto& [seconds, share] : lifetime.below) estimates.push_back({{{"seconds", label_text(seconds)}}, share});
  table.add_estimates("lifetime_below_ratio", "Share of objects that are freed within `seconds` of their allocation.",
                      estimates);
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
  }
  if (target.exact) add_counted(table, target.allocations.counted);
  add_collectors(table, target.collectors);
  add_cost(table, target.cost);
}

}  // namespace poolscope::prometheus_text
