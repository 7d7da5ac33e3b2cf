#include "pools/sizing/idle_buffers.h"

#include <algorithm>
#include <cmath>

namespace poolscope::sizing {
namespace {

double middle(const MissesAt& misses) {
  return (misses.low + misses.high) / 2;
}

double mean_idle(const IdleUse& use, std::uint64_t cap) {
  if (use.idle.empty()) return static_cast<double>(cap);
  double mean = 0;
  for (const auto& [buffers, share] : use.idle) mean += share * static_cast<double>(std::min(buffers, cap));
  if (use.idle_cap == 0 || cap <= use.idle_cap) return mean;
  const double most = mean + static_cast<double>(cap - use.idle_cap);
  return use.idle_without_cap ? std::clamp(*use.idle_without_cap, mean, most) : most;
}

double memory_ns(const IdleUse& use, const Prices& prices, std::uint64_t cap) {
  return mean_idle(use, cap) * static_cast<double>(use.buffer_bytes) * prices.byte_second_ns();
}

std::uint64_t fewest_for(const IdleUse& use, double share_of_hits) {
  const double reachable = 1 - middle(use.misses.back());
  for (const MissesAt& at : use.misses) {
    if (1 - middle(at) >= share_of_hits * reachable) return at.idle_buffers;
  }
  return use.misses.back().idle_buffers;
}

}  // namespace

MissesAt misses_at(const std::vector<MissesAt>& curve, std::uint64_t idle_buffers) {
  const auto above = std::ranges::upper_bound(curve, idle_buffers, {}, &MissesAt::idle_buffers);
  if (above == curve.begin()) return {idle_buffers, curve.empty() ? 0 : curve.front().low, 1};
  const MissesAt& below = *(above - 1);
  if (below.idle_buffers == idle_buffers) return below;
  return {idle_buffers, above == curve.end() ? below.low : above->low, below.high};
}

IdleCost cost_of_idle_buffers(const IdleUse& use, const Prices& prices, std::uint64_t idle_buffers) {
  const double miss_ratio = middle(misses_at(use.misses, idle_buffers));
  return {idle_buffers, use.gets_per_second * miss_ratio * use.miss_ns + memory_ns(use, prices, idle_buffers),
          miss_ratio};
}

std::optional<IdleChoice> choose_idle_buffers(const IdleUse& use, const Prices& prices) {
  if (use.misses.empty()) return std::nullopt;
  IdleChoice choice;
  for (const MissesAt& at : use.misses)
    choice.candidates.push_back(
        {at.idle_buffers, use.gets_per_second * middle(at) * use.miss_ns + memory_ns(use, prices, at.idle_buffers),
         middle(at)});
  const double least = std::ranges::min(choice.candidates, {}, &IdleCost::ns_per_second).ns_per_second;
  choice.best_buffers = std::ranges::find_if(choice.candidates, [least](const IdleCost& cost) {
                          return cost.ns_per_second <= least * (1 + kFlatIdleRatio);
                        })->idle_buffers;
  choice.for_95 = fewest_for(use, 0.95);
  choice.for_99 = fewest_for(use, 0.99);
  choice.for_999 = fewest_for(use, 0.999);
  return choice;
}

Interval idle_saving(const IdleUse& use, const Prices& prices, std::uint64_t current, std::uint64_t better) {
  const MissesAt now = misses_at(use.misses, current), then = misses_at(use.misses, better);
  const double memory = memory_ns(use, prices, current) - memory_ns(use, prices, better);
  const auto saved = [&](double fewer_misses) { return use.gets_per_second * use.miss_ns * fewer_misses + memory; };
  // A larger cap never misses more: what is not known of both moves them together.
  const double least = current < better ? std::max(0.0, now.low - then.high) : now.low - then.high;
  const double most = current < better ? now.high - then.low : std::min(0.0, now.high - then.low);
  return {saved(middle(now) - middle(then)), saved(least), saved(most)};
}

std::vector<MissesAt> misses_from_depth(const Shares& depth_after_put, double puts_per_get, double miss_ratio_now) {
  std::vector<MissesAt> curve;
  double above = 1;
  for (const auto& [depth, share] : depth_after_put) {
    above = std::max(0.0, above - share);
    curve.push_back({depth, miss_ratio_now, std::min(1.0, miss_ratio_now + above * puts_per_get)});
  }
  if (!curve.empty()) curve.back().high = miss_ratio_now;
  return curve;
}

double erlang_loss(std::uint64_t buffers, double offered) {
  double loss = 1;
  for (std::uint64_t n = 1; n <= buffers; ++n) loss = offered * loss / (static_cast<double>(n) + offered * loss);
  return loss;
}

std::uint64_t erlang_buffers(double offered, double loss) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 20;
  double now = 1;
  std::uint64_t buffers = 0;
  while (now > loss && buffers < kMost) {
    ++buffers;
    now = offered * now / (static_cast<double>(buffers) + offered * now);
  }
  return buffers;
}

}  // namespace poolscope::sizing
