#include "agent/advice/price_range.h"

#include <algorithm>
#include <optional>

#include "agent/advice/pool_facts.h"

namespace poolscope::advice {
namespace {

constexpr double kFewestPages = 100;
constexpr double kUnlikeTheMean = 2;  // what one place pays, over what all do
// Further from the prices than that, something else is wrong.
constexpr double kSmallestFactor = 0.2, kLargestFactor = 10;

struct Range {
  double low = 1, high = 1;
};

double mean_price_ns(const model::SizeSummary& sizes, const sizing::Prices& prices) {
  double sum = 0;
  for (const auto& [bytes, share] : sizes.buckets) sum += share * prices.allocation(bytes);
  return sum;
}

// CPU time that samples found in something, in nanoseconds per second; nothing when it is not known, or may be none.
std::optional<Range> sampled_ns(const model::TargetSnapshot& target, const model::MaybeEstimate& share) {
  if (target.exact || !target.cpu_seconds_per_second || !share || !share->low || *share->low <= 0) return std::nullopt;
  const double cpu_ns = *target.cpu_seconds_per_second * 1e9;
  return Range{*share->low * cpu_ns, share->high.value_or(share->value) * cpu_ns};
}

// What the samples found in the allocator, over what the prices say of these allocations.
Range allocation_factor(const model::TargetSnapshot& target, const sizing::Prices& prices) {
  const auto& rate = target.allocations.per_second;
  const auto& sizes = target.allocations.size_bytes;
  if (!target.cpu_share || !rate || !rate->low || *rate->low <= 0 || !sizes) return {};
  const auto sampled = sampled_ns(target, target.cpu_share->allocator);
  const double mean_ns = mean_price_ns(*sizes, prices);
  if (!sampled || mean_ns <= 0) return {};
  const auto clamped = [](double factor) { return std::clamp(factor, kSmallestFactor, kLargestFactor); };
  return {clamped(sampled->low / (rate->high.value_or(rate->value) * mean_ns) / kUnlikeTheMean),
          clamped(sampled->high / (*rate->low * mean_ns) * kUnlikeTheMean)};
}

Range page_prices_ns(const model::TargetSnapshot& target, const sizing::Prices& warm) {
  const double faults = target.fresh_pages_per_second.value_or(0);
  const auto sampled = target.cpu_share ? sampled_ns(target, target.cpu_share->page_fault) : std::nullopt;
  if (!sampled || faults * target.cost.observed_seconds < kFewestPages) return {warm.page_ns, warm.cold_page_ns};
  return {sampled->low / faults, sampled->high / faults};
}

// `copied`: by buffers that grow, as far as known; bytes per second.
double dearest_copy_ns(const model::TargetSnapshot& target, const sizing::Prices& warm, double factor, double copied) {
  const double dear_ns = warm.copy_ns_per_byte * std::max(1.0, factor);
  const auto sampled = target.cpu_share ? sampled_ns(target, target.cpu_share->copy) : std::nullopt;
  if (!sampled || copied <= 0) return dear_ns;
  return std::clamp(sampled->high / copied, warm.copy_ns_per_byte, dear_ns);
}

sizing::Prices times(sizing::Prices prices, double factor) {
  for (auto& [bytes, ns] : prices.allocation_ns) ns *= factor;
  return prices;
}

double copied_by_sites(const model::TargetSnapshot& target) {
  double copied = 0;
  for (const auto& chain : target.growth_chains)
    if (chain.copied_bytes_per_second) copied += chain.copied_bytes_per_second->value;
  return copied;
}

// The cost of its capacity where nothing costs but copying, and that one per byte.
double copied_by_pool(const model::TargetSnapshot& target, const model::PoolSummary& pool,
                      const sizing::Prices& prices) {
  const auto facts = facts_of(target, pool, prices);
  const auto use = facts ? buffer_use_of(pool, *facts) : std::nullopt;
  const std::uint64_t current = current_buffer_bytes(pool);
  if (!use || current == 0) return 0;
  sizing::Prices copies;
  copies.copy_ns_per_byte = 1;
  copies.bytes_per_core = 0;
  return facts->gets_per_second * sizing::cost_of_capacity(*use, copies, current).ns_per_use;
}

// `allocated`: whole pages of blocks, per second.
std::optional<double> fresh_ratio_of_pages(const model::TargetSnapshot& target, double allocated) {
  if (!target.fresh_pages_per_second || allocated * target.cost.observed_seconds < kFewestPages) return std::nullopt;
  return std::min(1.0, *target.fresh_pages_per_second / allocated);
}

double pages_allocated_per_second(const model::AllocationSummary& allocations) {
  if (!allocations.per_second || !allocations.size_bytes) return 0;
  double pages = 0;
  for (const auto& [upper, share] : allocations.size_bytes->buckets)
    pages += share * static_cast<double>(upper / sizing::kPageBytes);
  return pages * allocations.per_second->value;
}

// Of the pages that blocks take.
struct FreshPages {
  double low = 0, high = 1;
};

FreshPages fresh_pages(const model::TargetSnapshot& target) {
  const auto mean = fresh_ratio_of_pages(target, pages_allocated_per_second(target.allocations));
  return mean ? FreshPages{*mean / kUnlikeTheMean, std::min(1.0, *mean * kUnlikeTheMean)} : FreshPages{};
}

FreshPages fresh_pages(const model::TargetSnapshot& target, const model::PoolSummary& pool) {
  FreshPages pages = fresh_pages(target);
  if (!pool.gets_per_second || !pool.hit_ratio) return pages;
  const double misses = pool.gets_per_second->value * (1 - pool.hit_ratio->value);
  if (const auto most =
          fresh_ratio_of_pages(target, misses * static_cast<double>(object_bytes_of(pool) / sizing::kPageBytes))) {
    pages.high = *most;
    pages.low = std::min(pages.low, *most);
  }
  return pages;
}

PriceRange range_of(const model::TargetSnapshot& target, const sizing::Prices& warm, const FreshPages& fresh,
                    double copied) {
  const Range factor = allocation_factor(target, warm), page_ns = page_prices_ns(target, warm);
  PriceRange range{times(warm, factor.low).with_fresh_pages(fresh.low, page_ns.low),
                   times(warm, factor.high).with_fresh_pages(fresh.high, page_ns.high)};
  range.high.copy_ns_per_byte = dearest_copy_ns(target, warm, factor.high, copied);
  return range;
}

}  // namespace

PriceRange price_range(const model::TargetSnapshot& target, const sizing::Prices& warm) {
  return range_of(target, warm, fresh_pages(target), copied_by_sites(target));
}

PriceRange price_range(const model::TargetSnapshot& target, const model::PoolSummary& pool,
                       const sizing::Prices& warm) {
  return range_of(target, warm, fresh_pages(target, pool),
                  std::max(copied_by_sites(target), copied_by_pool(target, pool, warm)));
}

}  // namespace poolscope::advice
