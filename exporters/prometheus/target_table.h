#pragma once
// TargetTable: adds series of one target to a FamilyTable, with the prefix of our names and the labels of the target in
// front. Only the files of this folder include it.

#include <map>
#include <string>
#include <vector>

#include "exporters/model/snapshot.h"
#include "exporters/prometheus/family_table.h"

namespace poolscope::prometheus_text {

inline constexpr auto kGauge = ::prometheus::MetricType::Gauge;
inline constexpr auto kCounter = ::prometheus::MetricType::Counter;

class TargetTable {
 public:
  TargetTable(FamilyTable& table, const model::TargetSnapshot& target);

  // `name` is without "poolscope_".
  void add(const char* name, ::prometheus::MetricType type, const char* help, std::vector<Series> series);
  void add(const char* name, ::prometheus::MetricType type, const char* help, double value);

  // One estimate per set of labels: three families.
  struct LabelledEstimate {
    Labels labels;
    model::Estimate estimate;
  };
  void add_estimates(const std::string& name, const char* help, const std::vector<LabelledEstimate>& estimates);
  void add_estimate(const std::string& name, const char* help, const model::MaybeEstimate& estimate);
  void add_counts(const char* name, const char* help, const char* label,
                  const std::map<std::string, std::uint64_t>& counts);

 private:
  FamilyTable& table_;
  Labels labels_;
};

// One series per percentile, each with `labels` in front.
void append_percentiles(std::vector<Series>& series, const Labels& labels, const model::SizeSummary& sizes);

}  // namespace poolscope::prometheus_text
