#include "agent/advice/pool_facts.h"

#include <algorithm>
#include <cmath>

#include "poolscope/log_linear.h"

namespace poolscope::advice {
namespace {

// One put in so many has its sizes noted by pools that count themselves.
constexpr std::uint64_t kPublishedSampleOneIn = 128;
constexpr std::uint64_t kFewestCurveGets = 100;
// Get and Put of a sync.Pool (`./dev bench pools`: 13.7 ns, Go 1.19); other pools are taken for as fast as ours.
constexpr double kSyncPoolPairNs = 14;
// An object in Go, without collecting (Go 1.19: 23 ns for 48 bytes, 190 for 1152, 730 for 4096, where malloc and free of glibc take 8, 18 and 18): it is cleared,
// and its block was swept.
constexpr double kGoObjectNs = 15;
constexpr double kGoNsPerByte = 0.15;

// What collecting costs per byte allocated, where a runtime collects.
double gc_ns_per_byte(const model::TargetSnapshot& target) {
  if (!target.gc || !target.gc->cpu_ratio || !target.gc->allocated_bytes_per_second) return 0;
  if (*target.gc->allocated_bytes_per_second <= 0) return 0;
  return *target.gc->cpu_ratio * target.cpu_seconds_per_second.value_or(0) * 1e9 /
         *target.gc->allocated_bytes_per_second;
}

// A map or channel is a pointer for who puts it: how large it is nobody sees.
bool is_of_unknown_size(const model::PoolSummary& pool) {
  return pool.element.starts_with("map[") || pool.element.starts_with("chan ");
}

double allocation_ns(const model::TargetSnapshot& target, const sizing::Prices& prices, std::uint64_t bytes) {
  const double ns = prices.allocation(bytes);
  return target.runtime == "go" ? std::max(ns, kGoObjectNs + kGoNsPerByte * static_cast<double>(bytes)) : ns;
}

constexpr double kHardlyAny = 1e-9;  // shares are sums of fractions
constexpr double kOneStep = 1.1;     // steps on average, below which buffers grow at once

struct Growth {
  double fresh_ratio = 1;             // sizing::BufferUse
  std::optional<double> factor = {};  // the same
};

// How often buffers that need more than `current` double, on average; both are ends of buckets.
double doublings(const sizing::Shares& needed, std::uint64_t current) {
  double times = 0, all = 0;
  for (const auto& [bytes, share] : needed) {
    if (bytes <= current) continue;
    times += share * std::log2(static_cast<double>(bytes) / static_cast<double>(current));
    all += share;
  }
  return all > 0 ? std::max(1.0, times / all) : 1;
}

// Uses that begin with a buffer of the configured capacity: those that grew, of those that needed more than that. Where none needed more, a
// smaller capacity might make each of them grow. Where nothing tells growing, misses begin with a new one.
//
// A pool that counts itself counts each time that a buffer grows. Growths beyond one for each new buffer that needs more say in how many
// steps they grow; of others poolscope sees that a buffer has grown, not how.
Growth growth_of(const model::PoolSummary& pool, const PoolFacts& facts) {
  // What fills it exactly lies in a bucket that reaches further.
  const std::uint64_t current = ps_log_linear_upper(ps_log_linear_index(current_buffer_bytes(pool)));
  const double above = 1 - sizing::share_up_to(pool.needed_bytes->buckets, current);
  if (above <= kHardlyAny) return {};
  const double made = 1 - facts.hit_ratio.value;
  if (!pool.regrowths_per_second) return {made};
  const double grown = pool.regrowths_per_second->value / facts.gets_per_second / above;
  if (!pool.published) return {std::min(1.0, grown)};
  const double most_steps = doublings(pool.needed_bytes->buckets, current);
  const double steps = std::clamp(grown / std::max(made, kHardlyAny), 1.0, most_steps);
  const double fresh = std::min(1.0, grown / steps);
  if (steps < kOneStep) return {fresh, sizing::kAtOnce};
  return {fresh, std::exp2(most_steps / steps)};
}

// What buffers that are used again and again have come to. Those that are as configured would be as large as configured, or as they need.
sizing::Shares grown_bytes(const model::PoolSummary& pool) {
  constexpr double kBucketWidth = 1.125;
  const double as_configured = static_cast<double>(current_buffer_bytes(pool)) * kBucketWidth;
  const std::uint64_t needed = sizing::quantile_of(pool.needed_bytes->buckets, 0.99);
  sizing::Shares grown = pool.buffer_bytes->buckets;
  for (auto& [bytes, share] : grown)
    if (static_cast<double>(bytes) <= as_configured) bytes = needed;
  return grown;
}

double idle_bytes_of(const model::PoolSummary& pool, std::uint64_t object_bytes) {
  if (pool.idle_bytes) return static_cast<double>(*pool.idle_bytes);
  return static_cast<double>(pool.idle.value_or(0)) * static_cast<double>(object_bytes);
}

// Below the cap: what the depths bound. At the cap: what is. A pool that keeps as many as are ever out at a time misses only what is not for want of
// idle buffers.
std::vector<sizing::MissesAt> misses_of_published(const model::PoolSummary& pool, double miss_ratio) {
  const model::PublishedPool& published = *pool.published;
  const double gets = std::max<double>(1, static_cast<double>(pool.counted.gets.value_or(0)));
  const double puts = static_cast<double>(pool.counted.puts.value_or(0));
  auto misses = sizing::misses_from_depth(published.idle_depth->buckets, puts / gets, miss_ratio);
  if (!published.max_idle_buffers || !published.discards.contains("full")) return misses;
  const std::uint64_t cap = *published.max_idle_buffers;
  std::erase_if(misses, [cap](const sizing::MissesAt& at) { return at.idle_buffers >= cap; });
  misses.push_back({cap, miss_ratio, miss_ratio});
  if (!published.borrowed_high_water) return misses;
  const auto enough = static_cast<std::uint64_t>(std::ceil(published.borrowed_high_water->value));
  if (enough <= cap) return misses;
  const auto empty = published.misses.find("empty");
  const double all = std::max<double>(1, static_cast<double>(pool.counted.misses.value_or(0)));
  const double other = empty == published.misses.end() ? 1 : 1 - static_cast<double>(empty->second) / all;
  misses.push_back({enough, miss_ratio * std::max(0.0, other), miss_ratio * std::max(0.0, other)});
  return misses;
}

std::optional<double> hold_seconds_of(const model::PoolSummary& pool) {
  if (pool.published) return pool.published->hold_seconds_p50;
  return pool.use ? pool.use->hold_seconds_p50 : std::nullopt;
}

}  // namespace

sizing::Interval interval_of(const model::Estimate& estimate) {
  return {estimate.value, estimate.low.value_or(estimate.value), estimate.high.value_or(estimate.value)};
}

sizing::Allocator allocator_of(const model::TargetSnapshot& target) {
  const std::string& name = target.runtime == "go" ? target.runtime : target.allocator;
  return sizing::allocator_named(name).value_or(sizing::Allocator::kGlibc);
}

std::optional<PoolFacts> facts_of(const model::TargetSnapshot& target, const model::PoolSummary& pool,
                                  const sizing::Prices& prices) {
  if (!pool.gets_per_second || !pool.hit_ratio) return std::nullopt;
  PoolFacts facts;
  facts.path = "pools[" + pool.name + "]";
  // Where every event is traced, most of the CPU time is that of tracing.
  facts.cpu_ns = target.exact ? 0 : target.cpu_seconds_per_second.value_or(0) * 1e9;
  facts.is_exact = target.exact || pool.published.has_value();
  facts.gets_per_second = pool.gets_per_second->value;
  facts.hit_ratio = interval_of(*pool.hit_ratio);
  facts.object_bytes = object_bytes_of(pool);
  if (!is_of_unknown_size(pool))
    facts.direct_ns = allocation_ns(target, prices, facts.object_bytes) +
                      gc_ns_per_byte(target) * static_cast<double>(facts.object_bytes);
  facts.idle_bytes = idle_bytes_of(pool, facts.object_bytes);
  const double pool_ns = pool.kind == "go_sync_pool" ? kSyncPoolPairNs : prices.pool_pair_ns;
  facts.use = {facts.gets_per_second, facts.direct_ns, pool_ns, facts.idle_bytes};
  facts.allocator = allocator_of(target);
  return facts;
}

std::uint64_t object_bytes_of(const model::PoolSummary& pool) {
  if (pool.buffer_bytes && pool.buffer_bytes->p50 > 0) return pool.buffer_bytes->p50 + pool.object_bytes.value_or(0);
  if (pool.published && pool.published->buffer_bytes) return *pool.published->buffer_bytes;
  return pool.object_bytes.value_or(0);
}

std::uint64_t current_buffer_bytes(const model::PoolSummary& pool) {
  if (pool.published && pool.published->buffer_bytes) return *pool.published->buffer_bytes;
  return pool.buffer_bytes ? pool.buffer_bytes->p50 : 0;
}

std::optional<sizing::BufferUse> buffer_use_of(const model::PoolSummary& pool, const PoolFacts& facts) {
  if (!pool.needed_bytes || pool.needed_bytes->buckets.empty() || facts.gets_per_second <= 0) return std::nullopt;
  sizing::BufferUse use;
  use.needed_bytes = pool.needed_bytes->buckets;
  const std::uint64_t puts = pool.counted.puts.value_or(0);
  use.uses_seen = pool.published ? puts / kPublishedSampleOneIn : puts;
  use.hold_seconds = hold_seconds_of(pool).value_or(0);
  use.idle_seconds = static_cast<double>(pool.idle.value_or(0)) / facts.gets_per_second;
  use.made_ratio = 1 - facts.hit_ratio.value;
  const Growth growth = growth_of(pool, facts);
  use.fresh_ratio = growth.fresh_ratio;
  use.growth_factor = growth.factor;
  if (pool.buffer_bytes) use.recycled_bytes = grown_bytes(pool);
  return use;
}

std::optional<IdleFacts> idle_use_of(const model::PoolSummary& pool, const PoolFacts& facts) {
  IdleFacts idle;
  idle.use.gets_per_second = facts.gets_per_second;
  idle.use.miss_ns = facts.direct_ns;
  idle.use.buffer_bytes = facts.object_bytes;
  if (pool.published && pool.published->idle_depth) idle.use.idle = pool.published->idle_depth->buckets;
  if (pool.published && pool.published->discards.contains("full"))
    idle.use.idle_cap = pool.published->max_idle_buffers.value_or(0);
  if (pool.published && pool.published->borrowed_high_water && pool.published->borrowed)
    idle.use.idle_without_cap =
        std::max(0.0, pool.published->borrowed_high_water->value - static_cast<double>(*pool.published->borrowed));
  if (!pool.miss_curve_bracket.empty() && pool.miss_curve_gets.value_or(0) >= kFewestCurveGets) {
    for (const auto& at : pool.miss_curve_bracket) idle.use.misses.push_back({at.max_idle_buffers, at.low, at.high});
    return idle;
  }
  if (idle.use.idle.empty()) return std::nullopt;
  idle.use.misses = misses_of_published(pool, 1 - facts.hit_ratio.value);
  idle.is_bound = true;
  return idle;
}

sizing::Interval between(const sizing::Interval& warm, const sizing::Interval& fresh) {
  const bool both_save = warm.value > 0 && fresh.value > 0;
  const double value = both_save ? std::sqrt(warm.value * fresh.value) : (warm.value + fresh.value) / 2;
  return {value, std::min(warm.low, fresh.low), std::max(warm.high, fresh.high)};
}

model::MaybeEstimate as_cpu_ratio(const sizing::Interval& ns_per_second, double cpu_ns) {
  if (cpu_ns <= 0) return std::nullopt;
  // Nobody saves more than there is.
  const auto ratio = [cpu_ns](double ns) { return std::min(1.0, ns / cpu_ns); };
  return model::Estimate{ratio(ns_per_second.value), ratio(ns_per_second.low), ratio(ns_per_second.high)};
}

model::MaybeEstimate as_kept_cpu_ratio(const sizing::Interval& ns_per_second, double cpu_ns) {
  if (cpu_ns <= 0) return std::nullopt;
  const auto ratio = [cpu_ns](double ns) { return ns / (cpu_ns + std::max(0.0, ns)); };
  return model::Estimate{ratio(ns_per_second.value), ratio(ns_per_second.low), ratio(ns_per_second.high)};
}

}  // namespace poolscope::advice
