#include "agent/estimate/sizes.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "agent/estimate/intervals.h"
#include "agent/estimate/summarize.h"
#include "poolscope/log_linear.h"

namespace poolscope::estimate {
namespace {

// The share of sizes up to the end of each bucket, with its limits.
class SizeShares {
 public:
  struct Share {
    unsigned bucket = 0;
    double low = 0, high = 0;
  };

  explicit SizeShares(const Sample& sample) : sums_(sample.records.size()) {
    std::map<unsigned, std::vector<std::pair<std::size_t, double>>> parts;
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      const double weight = sample.estimator.weight(i);
      const model::Histogram& sizes = sample.records[i]->size_bytes;
      if (sizes.empty() || weight <= 0) continue;
      ++windows_;
      sums_[i].all = weight * sizes.total();
      total_ += sums_[i].all;
      squares_of_all_ += sums_[i].all * sums_[i].all;
      squared_weights_ += weight * sums_[i].all;
      for (const auto& [bucket, count] : sizes.buckets()) parts[bucket].emplace_back(i, weight * count);
    }
    if (windows_ < kBurstsForInterval) return;
    for (const auto& [bucket, added] : parts) shares_.push_back(share_up_to(bucket, added));
  }

  // Nothing where there is no interval.
  [[nodiscard]] std::optional<model::SizeLimits> limits(double p) const {
    if (shares_.empty()) return std::nullopt;
    const auto low = std::ranges::find_if(shares_, [p](const Share& share) { return share.high >= p; });
    const auto high = std::ranges::find_if(shares_, [p](const Share& share) { return share.low >= p; });
    model::SizeLimits limits{ps_log_linear_lower(low == shares_.end() ? shares_.back().bucket : low->bucket), {}};
    if (high != shares_.end()) limits.high = ps_log_linear_upper(high->bucket);
    return limits;
  }

 private:
  struct Sums {
    double up_to = 0, all = 0;
  };

  // Sums of squares are kept up to date, so that a bucket costs as much as there are windows with such sizes.
  Share share_up_to(unsigned bucket, const std::vector<std::pair<std::size_t, double>>& added) {
    for (const auto& [i, weight] : added) {
      Sums& sums = sums_[i];
      squares_up_to_ += (2 * sums.up_to + weight) * weight;
      products_ += weight * sums.all;
      sums.up_to += weight;
      up_to_ += weight;
    }
    const double share = std::min(up_to_ / total_, 1.0), m = static_cast<double>(windows_);
    const double squares = squares_up_to_ - 2 * share * products_ + share * share * squares_of_all_;
    const double error = std::sqrt(std::max(squares, 0.0) * m / (m - 1)) / total_;
    const double half = student_t_975(static_cast<unsigned>(windows_ - 1)) * error;
    const Limits independent = wilson(share, total_ * total_ / squared_weights_);  // Kish
    return {bucket, std::min(share - half, independent.low), std::max(share + half, independent.high)};
  }

  std::vector<Sums> sums_;
  std::vector<Share> shares_;
  std::size_t windows_ = 0;
  double total_ = 0, squares_of_all_ = 0, squared_weights_ = 0;
  double up_to_ = 0, squares_up_to_ = 0, products_ = 0;
};

}  // namespace

std::optional<model::SizeSummary> summarize_sizes(const Sample& sample, bool exact) {
  model::Histogram merged;
  for (std::size_t i = 0; i < sample.records.size(); ++i) {
    merged.merge(sample.records[i]->size_bytes, sample.estimator.weight(i));
  }
  auto summary = size_summary(merged);
  if (!summary || exact) return summary;
  const SizeShares shares(sample);
  summary->p50_limits = shares.limits(0.50);
  summary->p95_limits = shares.limits(0.95);
  summary->p99_limits = shares.limits(0.99);
  return summary;
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
