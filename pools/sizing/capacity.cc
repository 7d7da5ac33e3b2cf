#include "pools/sizing/capacity.h"

#include <algorithm>
#include <cmath>

namespace poolscope::sizing {
namespace {

constexpr double kLowQuantile = 0.1, kHighQuantile = 0.999;
constexpr std::uint64_t kFewestUses = 12;
constexpr double kNormal95 = 1.96;
constexpr unsigned kMostGrowths = 64;
constexpr double kLeastGrowthFactor = 1.05, kDoubling = 2;
constexpr double kBucketWidth = 1.125;

// Factors come from measurements, also those of another agent: a size may be no number, or more than there is memory.
std::uint64_t whole_bytes(double bytes) {
  constexpr double kMost = 1ull << 62;
  return bytes < kMost ? static_cast<std::uint64_t>(std::max(bytes, 0.0)) : 1ull << 62;
}

// Growing a buffer of `from` bytes until it holds `to`, the end of a bucket: what reaches into the bucket is enough.
double growth_ns(const Prices& prices, double factor, std::uint64_t from, std::uint64_t to) {
  const double times = std::max(factor, kLeastGrowthFactor);
  double ns = 0;
  auto size = static_cast<double>(std::max<std::uint64_t>(from, 1));
  const double enough = static_cast<double>(to) / kBucketWidth;
  for (unsigned i = 0; i < kMostGrowths && (i == 0 || size < enough); ++i) {
    ns += size * prices.copy_ns_per_byte;
    size = std::isinf(times) ? static_cast<double>(to) : size * times;
    ns += prices.allocation(whole_bytes(size));
  }
  return ns;
}

// What buffers have on average when fresh ones have `capacity`.
double mean_capacity(const BufferUse& use, std::uint64_t capacity) {
  const auto fresh = static_cast<double>(capacity);
  if (use.recycled_bytes.empty()) return fresh;
  double recycled = 0;
  for (const auto& [bytes, share] : use.recycled_bytes)
    recycled += share * static_cast<double>(std::max(bytes, capacity));
  return use.fresh_ratio * fresh + (1 - use.fresh_ratio) * recycled;
}

// `mean_bytes`: mean_capacity() of `capacity`. Without what making it costs, which is the same for every use.
double use_ns(const BufferUse& use, const Prices& prices, double growth_factor, std::uint64_t capacity,
              double mean_bytes, std::uint64_t needed) {
  const double idle = mean_bytes * use.idle_seconds * prices.byte_second_ns();
  if (needed > capacity) return idle + use.fresh_ratio * growth_ns(prices, growth_factor, capacity, needed);
  return idle + (mean_bytes - static_cast<double>(needed)) * use.hold_seconds * prices.byte_second_ns();
}

}  // namespace

std::uint64_t quantile_of(const Shares& shares, double quantile) {
  double below = 0;
  for (const auto& [bytes, share] : shares) {
    below += share;
    if (below >= quantile) return bytes;
  }
  return shares.empty() ? 0 : shares.back().first;
}

double share_up_to(const Shares& shares, std::uint64_t bytes) {
  double sum = 0;
  for (const auto& [upper, share] : shares) sum += upper <= bytes ? share : 0;
  return std::min(1.0, sum);
}

CapacityCost cost_of_capacity(const BufferUse& use, const Prices& prices, std::uint64_t buffer_bytes) {
  CapacityCost cost{buffer_bytes, use.made_ratio * prices.allocation(buffer_bytes), 0};
  const double mean_bytes = mean_capacity(use, buffer_bytes);
  for (const auto& [needed, share] : use.needed_bytes) {
    cost.ns_per_use +=
        share * use_ns(use, prices, use.growth_factor.value_or(kDoubling), buffer_bytes, mean_bytes, needed);
    if (needed > buffer_bytes) cost.regrowth_ratio += share * use.fresh_ratio;
  }
  return cost;
}

std::optional<CapacityChoice> choose_capacity(const BufferUse& use, const Prices& prices, Allocator allocator,
                                              std::uint64_t current_bytes) {
  if (use.needed_bytes.empty()) return std::nullopt;
  std::vector<std::uint64_t> sizes = usable_sizes(allocator, quantile_of(use.needed_bytes, kLowQuantile),
                                                  quantile_of(use.needed_bytes, kHighQuantile));
  if (current_bytes > 0) sizes.push_back(current_bytes);
  if (sizes.empty()) return std::nullopt;
  std::ranges::sort(sizes);
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());

  CapacityChoice choice;
  for (const std::uint64_t bytes : sizes) choice.candidates.push_back(cost_of_capacity(use, prices, bytes));
  const auto cheapest = std::ranges::min_element(choice.candidates, {}, &CapacityCost::ns_per_use);
  const double most = cheapest->ns_per_use * (1 + kFlatRatio);
  const auto is_flat = [most](const CapacityCost& cost) { return cost.ns_per_use <= most; };
  auto first = cheapest, last = cheapest;
  while (first != choice.candidates.begin() && is_flat(*(first - 1))) --first;
  while (last + 1 != choice.candidates.end() && is_flat(*(last + 1))) ++last;
  choice.best_bytes = choice.flat_from_bytes = first->buffer_bytes;
  choice.flat_to_bytes = last->buffer_bytes;
  return choice;
}

namespace {

Interval saving_with_growth(const BufferUse& use, const Prices& prices, double growth_factor,
                            std::uint64_t current_bytes, std::uint64_t better_bytes) {
  const double made_ns = use.made_ratio * (prices.allocation(current_bytes) - prices.allocation(better_bytes));
  double mean = 0, squares = 0;
  const double current_mean = mean_capacity(use, current_bytes), better_mean = mean_capacity(use, better_bytes);
  for (const auto& [needed, share] : use.needed_bytes) {
    const double saved = made_ns + use_ns(use, prices, growth_factor, current_bytes, current_mean, needed) -
                         use_ns(use, prices, growth_factor, better_bytes, better_mean, needed);
    mean += share * saved;
    squares += share * saved * saved;
  }
  if (use.uses_seen < kFewestUses) return {mean, mean, mean};
  const double variance = std::max(0.0, squares - mean * mean);
  const double half = kNormal95 * std::sqrt(variance / static_cast<double>(use.uses_seen));
  return {mean, mean - half, mean + half};
}

}  // namespace

Interval capacity_saving(const BufferUse& use, const Prices& prices, std::uint64_t current_bytes,
                         std::uint64_t better_bytes) {
  const double known = use.growth_factor.value_or(kDoubling);
  const Interval saved = saving_with_growth(use, prices, known, current_bytes, better_bytes);
  if (use.growth_factor) return saved;
  const Interval at_once = saving_with_growth(use, prices, kAtOnce, current_bytes, better_bytes);
  return {(saved.value + at_once.value) / 2, std::min(saved.low, at_once.low), std::max(saved.high, at_once.high)};
}

std::optional<std::uint64_t> choose_retained_limit(const Shares& capacities, const Prices& prices,
                                                   double idle_seconds) {
  if (capacities.empty()) return std::nullopt;
  // Costs from the largest limit (everything is kept) down: each step drops one more bucket.
  double cost = 0;
  for (const auto& [bytes, share] : capacities)
    cost += share * static_cast<double>(bytes) * idle_seconds * prices.byte_second_ns();
  double least = cost;
  std::optional<std::uint64_t> best;
  for (std::size_t i = capacities.size(); i-- > 1;) {
    const auto& [bytes, share] = capacities[i];
    cost += share * (prices.allocation(bytes) - static_cast<double>(bytes) * idle_seconds * prices.byte_second_ns());
    if (cost < least) {
      least = cost;
      best = capacities[i - 1].first;
    }
  }
  return best;
}

}  // namespace poolscope::sizing
