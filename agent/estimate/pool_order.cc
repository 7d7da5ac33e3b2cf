#include "agent/estimate/pool_order.h"

#include <cmath>

#include "agent/estimate/intervals.h"
#include "poolscope/log_linear.h"

namespace poolscope::estimate {
namespace {

double ratio(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

std::uint64_t above(const model::Histogram& histogram, std::uint64_t value) {
  double weight = 0;
  for (const auto& [bucket, count] : histogram.buckets()) {
    if (bucket > ps_log_linear_index(value)) weight += count;
  }
  return static_cast<std::uint64_t>(std::llround(weight));
}

}  // namespace

void set_miss_curve(model::PoolSummary& summary, const model::PoolOrderSums& order) {
  const auto& curve = order.misses;
  if (curve.gets == 0) return;
  summary.miss_curve_gets = curve.gets;
  for (std::size_t i = 0; i < curve.caps.size(); ++i) {
    const sizing::CapMisses& misses = curve.caps[i];
    const std::uint64_t cap = sizing::kIdleCaps[i];
    summary.miss_curve_bracket.push_back(
        {cap, ratio(misses.from_full, curve.gets), ratio(misses.from_empty, curve.gets)});
    if (misses.gets_after >= kLeastMetGets && ratio(misses.gets_after, curve.gets) >= kMetShare) {
      summary.miss_curve.emplace_back(cap, ratio(misses.misses_after, misses.gets_after));
    }
    if (misses.from_full == 0) break;
  }
}

void set_never_put(model::PoolUse& use, const model::PoolOrderSums& order, const model::Histogram& hold_ns) {
  if (hold_ns.total() < kLeastHolds) return;
  const std::uint64_t limit_ns = *hold_ns.quantile(kUsualHoldShare);
  const std::uint64_t followed = above(order.followed_ns, limit_ns), out = above(order.out_ns, limit_ns);
  if (followed == 0) return;
  use.never_put_after_seconds = static_cast<double>(limit_ns) / 1e9;
  use.followed_gets = followed;
  use.never_put = out;
  const double share = ratio(out, followed);
  const Limits limits = wilson(share, static_cast<double>(followed));
  use.never_put_ratio = model::Estimate{share, limits.low, limits.high};
}

}  // namespace poolscope::estimate
