#include "exporters/prometheus/pool_series.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <span>
#include <string>

#include "exporters/prometheus/target_table.h"

namespace poolscope::prometheus_text {
namespace {

constexpr std::size_t kMaxPools = 50;              // per target, by gets per second
constexpr const char* kOtherPools = "other";       // label `pool` of the sum over the rest
constexpr const char* kMissReasonEmpty = "empty";  // label `reason` of a get that found the pool empty

using model::MaybeEstimate;
using model::PoolSummary;
using model::PublishedPool;
using Pools = std::vector<const PoolSummary*>;
using Part = std::span<const PoolSummary* const>;

double gets_per_second(const PoolSummary* pool) {
  const MaybeEstimate& gets = pool->gets_per_second;
  return gets && std::isfinite(gets->value) ? gets->value : -1;
}

Pools busiest_first(const model::TargetSnapshot& target) {
  Pools pools;
  pools.reserve(target.pools.size());
  for (const PoolSummary& pool : target.pools) pools.push_back(&pool);
  std::ranges::stable_sort(pools, std::greater{}, gets_per_second);
  return pools;
}

// A series for each pool for which `value` gives one.
template <typename Value>
std::vector<Series> series_of(Part pools, Value value) {
  std::vector<Series> series;
  for (const PoolSummary* pool : pools) {
    if (const auto known = value(*pool)) series.push_back({{{"pool", pool->name}}, static_cast<double>(*known)});
  }
  return series;
}

void add_identities(TargetTable& table, Part pools) {
  std::vector<Series> series;
  for (const PoolSummary* pool : pools) {
    series.push_back(
        {{{"pool", pool->name}, {"kind", pool->kind}, {"element", pool->element}, {"library", pool->library}}, 1});
  }
  table.add("pool_info", kGauge, "What the pool is; always 1.", std::move(series));
}

std::vector<TargetTable::LabelledEstimate> estimates_of(Part pools, MaybeEstimate PoolSummary::*part) {
  std::vector<TargetTable::LabelledEstimate> estimates;
  for (const PoolSummary* pool : pools) {
    if (const MaybeEstimate& estimate = pool->*part) estimates.push_back({{{"pool", pool->name}}, *estimate});
  }
  return estimates;
}

// The sum has no interval: those of its parts do not add up.
MaybeEstimate sum_of(Part pools, MaybeEstimate PoolSummary::*part) {
  MaybeEstimate sum;
  for (const PoolSummary* pool : pools) {
    const MaybeEstimate& estimate = pool->*part;
    if (!estimate || !std::isfinite(estimate->value)) continue;
    if (!sum) sum.emplace();
    sum->value += estimate->value;
  }
  return sum;
}

void add_rates(TargetTable& table, Part shown, Part rest) {
  const auto rate = [&](const char* name, const char* help, MaybeEstimate PoolSummary::*part) {
    auto estimates = estimates_of(shown, part);
    if (const auto sum = sum_of(rest, part)) estimates.push_back({{{"pool", kOtherPools}}, *sum});
    table.add_estimates(name, help, estimates);
  };
  rate("pool_gets_per_second", "Gets per second.", &PoolSummary::gets_per_second);
  rate("pool_puts_per_second", "Puts per second.", &PoolSummary::puts_per_second);
  rate("pool_misses_per_second", "Gets per second that found the pool empty.", &PoolSummary::misses_per_second);
  rate("pool_regrowths_per_second", "Objects per second that came back with a larger capacity.",
       &PoolSummary::regrowths_per_second);
}

void add_sizes(TargetTable& table, Part pools, const char* name, const char* help,
               std::optional<model::SizeSummary> PoolSummary::*sizes) {
  std::vector<Series> series;
  for (const PoolSummary* pool : pools) {
    if (pool->*sizes) append_percentiles(series, {{"pool", pool->name}}, *(pool->*sizes));
  }
  table.add(name, kGauge, help, std::move(series));
}

// What a pool tells of itself.
std::vector<Series> published_of(Part pools, std::optional<std::uint64_t> PublishedPool::*part) {
  return series_of(pools, [&](const PoolSummary& pool) {
    return pool.published ? (*pool.published).*part : std::optional<std::uint64_t>();
  });
}

void add_published_states(TargetTable& table, Part pools) {
  table.add("pool_max_idle_buffers", kGauge, "Idle objects that the pool keeps at most, as configured.",
            published_of(pools, &PublishedPool::max_idle_buffers));
  table.add("pool_max_borrowed_buffers", kGauge, "Objects of the pool that may be out at a time, as configured.",
            published_of(pools, &PublishedPool::max_borrowed_buffers));
  std::vector<TargetTable::LabelledEstimate> high_water;
  for (const PoolSummary* pool : pools) {
    if (!pool->published || !pool->published->borrowed_high_water) continue;
    high_water.push_back({{{"pool", pool->name}}, *pool->published->borrowed_high_water});
  }
  table.add_estimates("pool_borrowed_high_water", "Most objects that were out at a time in the last 80 seconds.",
                      high_water);
}

void add_states(TargetTable& table, Part pools) {
  table.add("pool_thrown_away_per_gc", kGauge, "Objects that one garbage collection drops from the pool, mean.",
            series_of(pools, [](const PoolSummary& pool) { return pool.thrown_away_per_gc; }));
  auto idle = series_of(pools, [](const PoolSummary& pool) { return pool.idle; });
  for (Series& one : idle) one.labels.push_back({"state", "idle"});
  auto borrowed = published_of(pools, &PublishedPool::borrowed);
  for (Series& one : borrowed) one.labels.push_back({"state", "borrowed"});
  std::ranges::move(borrowed, std::back_inserter(idle));
  table.add("pool_buffers", kGauge, "Objects of the pool, by state.", std::move(idle));
  table.add("pool_idle_bytes", kGauge, "Capacity of the objects that lie idle in the pool.",
            series_of(pools, [](const PoolSummary& pool) { return pool.idle_bytes; }));
  add_published_states(table, pools);
}

// Misses are exact where each was watched, and where every event was traced.
std::optional<std::uint64_t> exact_misses(const PoolSummary& pool, bool exact) {
  return exact ? pool.counted.misses : pool.counted.watched_misses;
}

void append_reasons(std::vector<Series>& series, const PoolSummary& pool,
                    const std::map<std::string, std::uint64_t>& counts) {
  for (const auto& [reason, count] : counts) {
    series.push_back({{{"pool", pool.name}, {"reason", reason}}, static_cast<double>(count)});
  }
}

void add_misses_and_discards(TargetTable& table, Part pools, bool exact) {
  std::vector<Series> misses, discards;
  for (const PoolSummary* pool : pools) {
    if (pool->published) {
      append_reasons(misses, *pool, pool->published->misses);
      append_reasons(discards, *pool, pool->published->discards);
    } else if (const auto count = exact_misses(*pool, exact)) {
      append_reasons(misses, *pool, {{kMissReasonEmpty, *count}});
    }
  }
  table.add("pool_misses_total", kCounter, "Gets that had to create, every one counted.", std::move(misses));
  table.add("pool_discards_total", kCounter, "Puts that the pool did not keep, every one counted.",
            std::move(discards));
}

void add_counters(TargetTable& table, Part pools, bool exact) {
  add_misses_and_discards(table, pools, exact);
  table.add("pool_thrown_away_total", kCounter, "Objects that garbage collections dropped, every one counted.",
            series_of(pools, [](const PoolSummary& pool) { return pool.counted.thrown_away; }));
  const auto count = [&](const char* name, const char* help, std::optional<std::uint64_t> model::PoolCounted::*part) {
    table.add(name, kCounter, help, series_of(pools, [&](const PoolSummary& pool) {
                return exact || pool.published ? pool.counted.*part : std::optional<std::uint64_t>();
              }));
  };
  count("pool_gets_total", "Gets, every one counted.", &model::PoolCounted::gets);
  count("pool_puts_total", "Puts, every one counted.", &model::PoolCounted::puts);
  count("pool_regrowths_total", "Objects that had to grow or came back larger, every one counted.",
        &model::PoolCounted::regrowths);
}

}  // namespace

void add_pools(FamilyTable& families, const model::TargetSnapshot& target, bool with_estimates) {
  const Pools pools = busiest_first(target);
  const Part shown = Part(pools).first(std::min(pools.size(), kMaxPools));
  TargetTable table(families, target);
  add_identities(table, shown);
  if (with_estimates) {
    table.add_estimates("pool_hit_ratio", "Share of the gets that the pool served.",
                        estimates_of(shown, &PoolSummary::hit_ratio));
    add_rates(table, shown, Part(pools).subspan(shown.size()));
    add_sizes(table, shown, "pool_needed_bytes", "Length of what was put, by percentile.", &PoolSummary::needed_bytes);
    add_sizes(table, shown, "pool_buffer_bytes", "Capacity of what was put, by percentile.",
              &PoolSummary::buffer_bytes);
    add_states(table, shown);
  }
  add_counters(table, shown, target.exact);
}

}  // namespace poolscope::prometheus_text
