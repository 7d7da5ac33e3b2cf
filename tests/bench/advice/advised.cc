// What poolscope advises: from the same sums that it has of a live process.
#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "agent/advice/advise.h"
#include "exporters/model/snapshot.h"
#include "pools/sizing/miss_curve.h"
#include "poolscope/log_linear.h"
#include "tests/bench/advice/replay.h"

namespace poolscope::bench {
namespace {

// A pool that publishes what it counts, in a program that uses one core.
model::TargetSnapshot target_of(model::PoolSummary pool, Pages pages) {
  model::TargetSnapshot target;
  target.name = "trace";
  target.runtime = "native";
  target.allocator = "glibc";
  target.cpu_seconds_per_second = 1;
  const double misses = pool.gets_per_second->value * (1 - pool.hit_ratio->value);
  target.allocations.per_second = model::Estimate{misses, {}, {}};
  target.allocations.size_bytes = model::SizeSummary{};
  target.allocations.size_bytes->buckets = {{pool.object_bytes.value_or(0), 1}};
  target.fresh_pages_per_second =
      pages == Pages::kWarm ? 0 : misses * static_cast<double>(pool.object_bytes.value_or(0) / sizing::kPageBytes);
  target.cost.observed_seconds = 60;
  target.cost.bursts = {{"taken", 60}};
  target.pools = {std::move(pool)};
  return target;
}

model::SizeSummary sizes_of(const std::map<std::uint64_t, std::uint64_t>& counts, double total) {
  model::SizeSummary sizes;
  double below = 0;
  for (const auto& [upper, count] : counts) {
    const double share = static_cast<double>(count) / total;
    sizes.buckets.emplace_back(upper, share);
    if (below < 0.5) sizes.p50 = upper;
    if (below < 0.95) sizes.p95 = upper;
    if (below < 0.99) sizes.p99 = upper;
    below += share;
  }
  return sizes;
}

std::uint64_t recommended(const model::TargetSnapshot& target, const sizing::Prices& prices, const char* kind,
                          std::uint64_t otherwise) {
  // Traces are short and alone in their program: what matters is which value is best, not whether it matters.
  const advice::AdviceOptions options{.worth_cpu_ratio = 0, .least_saved_ratio = 0, .switch_cost_ns = 0};
  for (const model::Advice& advice : advice::advise(target, prices, options)) {
    if (advice.kind == kind && advice.recommended) return *advice.recommended;
    if (advice.verdict == model::Verdict::kDrop && kind == std::string_view("max_idle_buffers")) return 0;
  }
  return otherwise;
}

model::PoolSummary pool_named(const char* kind, double gets, double gets_per_second, double hit_ratio) {
  model::PoolSummary pool;
  pool.name = "pool";
  pool.kind = kind;
  pool.gets_per_second = model::Estimate{gets_per_second, gets_per_second, gets_per_second};
  pool.hit_ratio = model::Estimate{hit_ratio, hit_ratio, hit_ratio};
  pool.counted.gets = pool.counted.puts = static_cast<std::uint64_t>(gets);
  return pool;
}

}  // namespace

std::uint64_t advised_capacity(const SizeTrace& trace, Part part, const sizing::Prices& prices,
                               std::uint64_t otherwise) {
  std::map<std::uint64_t, std::uint64_t> counts;
  std::uint64_t grown = 0;
  for (std::size_t i = part.from; i < part.to; ++i) {
    const std::uint64_t needed = trace.needed_bytes[i];
    ++counts[ps_log_linear_upper(ps_log_linear_index(needed))];
    grown += needed > otherwise ? 1 : 0;
  }
  const auto uses = static_cast<double>(part.to - part.from);
  const double uses_per_second = 1 / trace.idle_seconds;
  model::PoolSummary pool = pool_named("poolscope", uses, uses_per_second, 1);
  pool.regrowths_per_second = model::Estimate{uses_per_second * static_cast<double>(grown) / uses, {}, {}};
  pool.needed_bytes = sizes_of(counts, uses);
  pool.published.emplace();
  pool.published->buffer_bytes = otherwise;
  pool.published->hold_seconds_p50 = trace.hold_seconds;
  pool.idle = 1;
  return recommended(target_of(std::move(pool), Pages::kWarm), prices, "buffer_bytes", otherwise);
}

namespace {

model::PoolSummary pool_of(const PoolTrace& trace, Part part, std::uint64_t limit) {
  sizing::MissCurveBuilder builder;
  std::uint64_t gets = 0, misses = 0, idle = 0, puts = 0, discards = 0, out = 0, most_out = 0;
  std::map<std::uint64_t, std::uint64_t> depths;
  for (std::size_t i = part.from; i < part.to; ++i) {
    if (!trace.events[i].is_get) {
      builder.put();
      out -= out > 0 ? 1 : 0;
      if (idle < limit)
        ++idle;
      else
        ++discards;
      ++depths[idle];
      ++puts;
      continue;
    }
    builder.get();
    ++gets;
    most_out = std::max(most_out, ++out);
    if (idle > 0)
      --idle;
    else
      ++misses;
  }
  const double seconds =
      static_cast<double>(trace.events[part.to - 1].time_ns - trace.events[part.from].time_ns) * 1e-9;
  const auto all = static_cast<double>(std::max<std::uint64_t>(1, gets));
  model::PoolSummary pool = pool_named("poolscope", all, all / seconds, 1 - static_cast<double>(misses) / all);
  const sizing::MissCurve curve = builder.curve();
  for (std::size_t i = 0; i < sizing::kIdleCapCount; ++i)
    pool.miss_curve_bracket.push_back({sizing::kIdleCaps[i], static_cast<double>(curve.caps[i].from_full) / all,
                                       static_cast<double>(curve.caps[i].from_empty) / all});
  pool.miss_curve_gets = gets;
  pool.object_bytes = trace.buffer_bytes;
  pool.published.emplace();
  pool.published->buffer_bytes = trace.buffer_bytes;
  pool.published->max_idle_buffers = limit;
  pool.published->borrowed = out;
  pool.published->borrowed_high_water = model::Estimate{static_cast<double>(most_out), {}, {}};
  pool.published->idle_depth = sizes_of(depths, static_cast<double>(std::max<std::uint64_t>(1, puts)));
  if (discards > 0) pool.published->discards = {{"full", discards}};
  pool.idle = idle;
  return pool;
}

}  // namespace

std::uint64_t advised_cap(const PoolTrace& trace, Part part, const sizing::Prices& prices, Pages pages,
                          std::uint64_t otherwise) {
  return recommended(target_of(pool_of(trace, part, otherwise), pages), prices, "max_idle_buffers", otherwise);
}

bool says_worth_it(const PoolTrace& trace, Part part, const sizing::Prices& prices) {
  const auto all = advice::advise(target_of(pool_of(trace, part, 64), Pages::kWarm), prices, {.worth_cpu_ratio = 0});
  return std::ranges::none_of(all, [](const model::Advice& advice) {
    return advice.kind == "drop_pool" ||
           (advice.verdict == model::Verdict::kKeep && advice.saved_cpu_ratio && advice.saved_cpu_ratio->value <= 0);
  });
}

}  // namespace poolscope::bench
