#include "exporters/prometheus/target_table.h"

#include <utility>

#include "exporters/prometheus/labels.h"

namespace poolscope::prometheus_text {

using ::prometheus::MetricType;

TargetTable::TargetTable(FamilyTable& table, const model::TargetSnapshot& target) : table_(table) {
  labels_.push_back({"target", target.name});
  for (const auto& [name, value] : target.labels) {
    if (is_valid_label_name(name) && !is_reserved_label_name(name)) labels_.push_back({name, value});
  }
}

void TargetTable::add(const char* name, MetricType type, const char* help, std::vector<Series> series) {
  for (Series& one : series) one.labels.insert(one.labels.begin(), labels_.begin(), labels_.end());
  table_.add_of_target({std::string("poolscope_") + name, type, help}, std::move(series));
}

void TargetTable::add(const char* name, MetricType type, const char* help, double value) {
  add(name, type, help, {{{}, value}});
}

void TargetTable::add_estimates(const std::string& name, const char* help,
                                const std::vector<LabelledEstimate>& estimates) {
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

void TargetTable::add_estimate(const std::string& name, const char* help, const model::MaybeEstimate& estimate) {
  if (estimate) add_estimates(name, help, {{{}, *estimate}});
}

void TargetTable::add_counts(const char* name, const char* help, const char* label,
                             const std::map<std::string, std::uint64_t>& counts) {
  std::vector<Series> series;
  series.reserve(counts.size());
  for (const auto& [key, count] : counts) series.push_back({{{label, key}}, static_cast<double>(count)});
  add(name, kCounter, help, std::move(series));
}

void append_percentiles(std::vector<Series>& series, const Labels& labels, const model::SizeSummary& sizes) {
  for (const auto& [percentile, bytes] : {std::pair{"50", sizes.p50}, {"95", sizes.p95}, {"99", sizes.p99}}) {
    Series one{labels, static_cast<double>(bytes)};
    one.labels.push_back({"percentile", percentile});
    series.push_back(std::move(one));
  }
}

}  // namespace poolscope::prometheus_text
