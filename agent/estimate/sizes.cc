#include "agent/estimate/sizes.h"

#include "poolscope/log_linear.h"

namespace poolscope::estimate {

std::optional<model::SizeSummary> summarize_sizes(const Sample& sample) {
  model::Histogram merged;
  for (std::size_t i = 0; i < sample.records.size(); ++i) {
    merged.merge(sample.records[i]->size_bytes, sample.estimator.weight(i));
  }
  return size_summary(merged);
}

std::optional<model::SizeSummary> size_summary(const model::Histogram& sizes) {
  if (sizes.empty()) return std::nullopt;
  model::SizeSummary summary;
  summary.p50 = *sizes.quantile(0.50);
  summary.p95 = *sizes.quantile(0.95);
  summary.p99 = *sizes.quantile(0.99);
  for (const auto& [bucket, weight] : sizes.buckets()) {
    summary.buckets.emplace_back(ps_log_linear_upper(bucket), weight / sizes.total());
  }
  return summary;
}

double mean_square(const model::Histogram& sizes) {
  if (sizes.empty()) return 0;
  double sum = 0;
  for (const auto& [bucket, weight] : sizes.buckets()) {
    const double middle =
        (static_cast<double>(ps_log_linear_lower(bucket)) + static_cast<double>(ps_log_linear_upper(bucket))) / 2;
    sum += weight * middle * middle;
  }
  return sum / sizes.total();
}

}  // namespace poolscope::estimate
