#include "exporters/model/histogram.h"

#include <algorithm>

#include "poolscope/log_linear.h"

namespace poolscope::model {

void Histogram::add(std::uint64_t value, double weight) {
  add_bucket(ps_log_linear_index(value), weight);
}

void Histogram::add_bucket(unsigned bucket, double weight) {
  if (weight <= 0) return;
  total_ += weight;
  const unsigned index = std::min(bucket, unsigned{PS_LOG_LINEAR_BUCKETS - 1});
  const auto place = std::ranges::lower_bound(buckets_, index, {}, &std::pair<unsigned, double>::first);
  if (place != buckets_.end() && place->first == index) {
    place->second += weight;
  } else {
    buckets_.insert(place, {index, weight});
  }
}

void Histogram::merge(const Histogram& other, double factor) {
  for (const auto& [bucket, weight] : other.buckets_) add_bucket(bucket, weight * factor);
}

std::optional<std::uint64_t> Histogram::quantile(double p) const {
  if (empty()) return std::nullopt;
  const double wanted = std::clamp(p, 0.0, 1.0) * total_;
  double below = 0;
  for (const auto& [bucket, weight] : buckets_) {
    below += weight;
    if (below >= wanted) return ps_log_linear_upper(bucket);
  }
  return ps_log_linear_upper(buckets_.back().first);  // rounding of the sum left `below` a hair under `wanted`
}

}  // namespace poolscope::model
