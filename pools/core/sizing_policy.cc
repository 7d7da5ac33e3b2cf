#include "poolscope/sizing_policy.h"

#include <algorithm>
#include <cmath>

namespace poolscope {

std::optional<std::uint64_t> suggest_buffers(const OverflowBand& band, std::uint64_t buffers, std::uint64_t gets,
                                             std::uint64_t overflows) {
  if (gets == 0) return std::nullopt;
  const double ratio = static_cast<double>(overflows) / static_cast<double>(gets);
  const auto scaled = [&](double factor) { return static_cast<std::uint64_t>(static_cast<double>(buffers) * factor); };
  std::uint64_t wanted = buffers;
  if (ratio > band.grow_above_ratio)
    wanted = std::min(std::max(scaled(band.grow_factor), buffers + 1), std::max(band.max_buffers, buffers));
  else if (ratio < band.shrink_below_ratio && buffers > band.min_buffers)
    wanted = std::max(scaled(band.shrink_factor), band.min_buffers);
  return wanted == buffers ? std::nullopt : std::optional(wanted);
}

std::optional<std::uint64_t> upper_quantile(const ps_histogram& histogram, double quantile) {
  std::uint64_t values = 0;
  for (const ps_u64& count : histogram.counts) values += ps_load(&count);
  const auto n = static_cast<double>(values);
  const double rank =
      n * quantile + 1.96 * std::sqrt(n * quantile * (1 - quantile));  // binomial, as the rank of a value is
  if (values == 0 || rank >= n) return std::nullopt;
  std::uint64_t below = 0;
  for (unsigned i = 0; i < PS_LOG_LINEAR_BUCKETS; ++i) {
    below += ps_load(&histogram.counts[i]);
    if (static_cast<double>(below) >= rank) return ps_log_linear_upper(i);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> suggest_buffer_bytes(const NeededQuantile& policy, const ps_histogram& needed_bytes,
                                                  std::uint64_t buffer_bytes) {
  const auto upper = upper_quantile(needed_bytes, policy.quantile);
  if (!upper) return std::nullopt;
  const std::uint64_t wanted = std::clamp(*upper, policy.min_bytes, policy.max_bytes);
  const double change = std::abs(static_cast<double>(wanted) / static_cast<double>(buffer_bytes) - 1);
  return change < policy.min_change_ratio ? std::nullopt : std::optional(wanted);
}

}  // namespace poolscope
