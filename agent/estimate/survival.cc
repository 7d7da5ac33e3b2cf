#include "agent/estimate/survival.h"

#include <algorithm>

namespace poolscope::estimate {

SurvivalCurve::SurvivalCurve(const BucketWeights& died, const BucketWeights& alive) {
  // Summed from the far end, the number at risk is never a difference of large sums that should be zero.
  BucketWeights at_risk{};
  double sum = 0;
  for (std::size_t bucket = at_risk.size(); bucket-- > 0;) {
    sum += died[bucket] + alive[bucket];
    at_risk[bucket] = sum;
  }
  double surviving = 1;
  for (std::size_t bucket = 0; bucket < at_risk.size(); ++bucket) {
    if (died[bucket] > 0) surviving *= std::max(0.0, 1 - died[bucket] / at_risk[bucket]);
    died_by_end_[bucket] = 1 - surviving;
  }
}

double SurvivalCurve::died_by(std::uint64_t age_ns) const {
  const unsigned bucket = ps_log_linear_index(age_ns);
  const double before = bucket > 0 ? died_by_end_[bucket - 1] : 0;
  const double lower = static_cast<double>(ps_log_linear_lower(bucket));
  const double width = static_cast<double>(ps_log_linear_lower(bucket + 1)) - lower;
  const double inside = std::min(1.0, (static_cast<double>(age_ns) - lower + 1) / width);
  return before + (died_by_end_[bucket] - before) * inside;
}

std::optional<double> SurvivalCurve::age_ns(double share) const {
  const auto found = std::ranges::lower_bound(died_by_end_, share);
  if (found == died_by_end_.end()) return std::nullopt;
  const auto bucket = static_cast<unsigned>(found - died_by_end_.begin());
  const double before = bucket > 0 ? died_by_end_[bucket - 1] : 0;
  const double lower = static_cast<double>(ps_log_linear_lower(bucket));
  const double width = static_cast<double>(ps_log_linear_lower(bucket + 1)) - lower;
  const double rise = *found - before;
  return lower + (rise > 0 ? width * (share - before) / rise : 0);
}

}  // namespace poolscope::estimate
