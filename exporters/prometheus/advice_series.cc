#include "exporters/prometheus/advice_series.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "exporters/prometheus/target_table.h"

namespace poolscope::prometheus_text {
namespace {

using model::Advice;

constexpr std::size_t kMaxAdvice = 100;

std::vector<const Advice*> of_pools(const model::TargetSnapshot& target) {
  std::vector<const Advice*> all;
  for (const Advice& advice : target.advice) {
    if (advice.kind == "reserve" || advice.kind == "adopt_pool" || all.size() == kMaxAdvice) continue;
    all.push_back(&advice);
  }
  return all;
}

Labels labels_of(const Advice& advice) {
  return {{"pool", advice.subject}, {"kind", advice.kind}};
}

void add_values(TargetTable& table, const std::vector<const Advice*>& all, const char* name, const char* help,
                const char* unit, std::optional<std::uint64_t> Advice::*value) {
  std::vector<Series> series;
  for (const Advice* advice : all)
    if (advice->unit == unit && advice->*value)
      series.push_back({labels_of(*advice), static_cast<double>(*(advice->*value))});
  table.add(name, kGauge, help, std::move(series));
}

// The latest of each limit.
void add_outcomes(TargetTable& table, const model::TargetSnapshot& target) {
  std::set<std::pair<std::string, std::string>> told;
  std::vector<TargetTable::LabelledEstimate> realised;
  for (const model::AdviceOutcome& outcome : target.advice_outcomes) {
    if (realised.size() == kMaxAdvice || !told.emplace(outcome.subject, outcome.kind).second) continue;
    if (outcome.realised_saved_cpu_ratio)
      realised.push_back({{{"pool", outcome.subject}, {"kind", outcome.kind}}, *outcome.realised_saved_cpu_ratio});
  }
  table.add_estimates("advice_realised_cpu_ratio", "Share of the CPU time per get that following the advice has saved.",
                      realised);
}

}  // namespace

void add_advice(FamilyTable& families, const model::TargetSnapshot& target) {
  const auto all = of_pools(target);
  TargetTable table(families, target);
  std::vector<Series> verdicts;
  std::vector<TargetTable::LabelledEstimate> savings;
  for (const Advice* advice : all) {
    Labels labels = labels_of(*advice);
    if (advice->saved_cpu_ratio && advice->verdict != model::Verdict::kKeep)
      savings.push_back({labels, *advice->saved_cpu_ratio});
    labels.push_back({"verdict", model::verdict_name(advice->verdict)});
    verdicts.push_back({std::move(labels), 1});
  }
  table.add("advice_verdict", kGauge, "What poolscope advises for a pool, always 1.", std::move(verdicts));
  add_values(table, all, "advice_recommended_bytes", "Size that is advised.", "bytes", &Advice::recommended);
  add_values(table, all, "advice_current_bytes", "The same size as it is now.", "bytes", &Advice::current);
  add_values(table, all, "advice_recommended_buffers", "Number of buffers that is advised.", "buffers",
             &Advice::recommended);
  add_values(table, all, "advice_current_buffers", "The same number as it is now.", "buffers", &Advice::current);
  table.add_estimates("advice_saved_cpu_ratio", "Share of the CPU time that following the advice saves.", savings);
  add_outcomes(table, target);
}

}  // namespace poolscope::prometheus_text
