#include "agent/estimate/pools.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>

#include "agent/estimate/exact.h"
#include "agent/estimate/intervals.h"
#include "agent/estimate/pool_merge.h"
#include "agent/estimate/pool_order.h"
#include "agent/estimate/sizes.h"
#include "agent/estimate/summarize.h"

namespace poolscope::estimate {
namespace {

using model::PoolSums;

model::Estimate hit_ratio_of(const model::Estimate& miss_ratio) {
  const auto hit = [](double miss) { return std::clamp(1 - miss, 0.0, 1.0); };
  model::Estimate result{hit(miss_ratio.value), {}, {}};
  if (miss_ratio.high) result.low = hit(*miss_ratio.high);
  if (miss_ratio.low) result.high = hit(*miss_ratio.low);
  return result;
}

class PoolEstimates {
 public:
  PoolEstimates(std::span<const model::PoolBurstRecord> bursts, std::span<const model::PoolWatchRecord> watches,
                const TargetTotals& totals, std::span<const model::ProcessKey> running, const PriceCheck& price)
      : merged_(bursts, watches), exact_(all_exact(bursts)), estimator_(estimator(totals, price)), running_(running) {}

  [[nodiscard]] std::vector<model::PoolSummary> summaries() const {
    std::map<std::string, unsigned> uses;
    for (const auto& [key, pool] : merged_.pools()) ++uses[pool.identity.name];
    std::vector<model::PoolSummary> result;
    for (const auto& [key, pool] : merged_.pools()) {
      result.push_back(summarize(pool));
      result.back().name = display_name(pool, uses[pool.identity.name] > 1);
    }
    const auto rate = [](const model::MaybeEstimate& estimate) { return estimate ? estimate->value : 0; };
    std::ranges::stable_sort(result, [&](const auto& a, const auto& b) {
      return std::pair(rate(a.gets_per_second), rate(a.misses_per_second)) >
             std::pair(rate(b.gets_per_second), rate(b.misses_per_second));
    });
    return result;
  }

 private:
  [[nodiscard]] RateEstimator estimator(const TargetTotals& totals, const PriceCheck& price) const {
    auto windows = merged_.windows();
    if (exact_ || windows.empty()) return RateEstimator::exact(windows);
    for (auto& counted : windows) counted.window = price.corrected(counted.window);
    return sharpest_estimator(windows, totals, price.error_ratio()).estimator;
  }

  [[nodiscard]] static std::string display_name(const MergedPool& pool, bool is_shared) {
    const auto& identity = pool.identity;
    if (!identity.name.empty()) {
      return is_shared && !identity.address.empty() ? identity.name + " at " + identity.address : identity.name;
    }
    return (pool.element().empty() ? "pool" : "pool of " + pool.element()) + " at " + identity.address;
  }

  [[nodiscard]] model::MaybeEstimate rate(const MergedPool& pool, std::uint64_t PoolSums::*member) const {
    if (pool.in_window.empty()) return std::nullopt;
    std::vector<WindowCount> counts;
    for (const PoolSums& sums : pool.in_window) {
      counts.push_back(WindowCount::of_events(static_cast<double>(sums.*member)));
    }
    return estimator_.rate(counts);
  }

  [[nodiscard]] bool misses_known(const MergedPool& pool) const {
    return !pool.in_window.empty() && std::ranges::all_of(pool.in_window, &PoolSums::misses_known);
  }

  [[nodiscard]] model::MaybeEstimate watched_misses_per_second(const MergedPool& pool) const {
    const auto seconds = merged_.miss_watched_seconds();
    if (!seconds || !std::ranges::all_of(pool.in_window, &PoolSums::misses_known)) return std::nullopt;
    const double rate = static_cast<double>(pool.watched_misses) / *seconds;
    return model::Estimate{rate, rate, rate};
  }

  // At least so large a part of all gets was outside windows. What windows saw is known, and only the rest can differ (Cochran,
  // chapter 2): with a large budget windows see nearly every get.
  [[nodiscard]] double unseen_share(const MergedPool& pool, const model::MaybeEstimate& gets_per_second) const {
    const auto seconds = merged_.miss_watched_seconds();
    if (!seconds || !gets_per_second) return 1;
    const double gets = gets_per_second->high.value_or(gets_per_second->value) * *seconds;
    return gets > 0 ? std::clamp(1 - static_cast<double>(pool.total(&PoolSums::gets)) / gets, 0.0, 1.0) : 1;
  }

  // Misses and gets of the same windows, each window with its weight: neither price nor time matters. The interval is that of a
  // ratio of two sums over windows (Cochran, chapter 6).
  [[nodiscard]] model::MaybeEstimate hit_ratio_of_windows(const MergedPool& pool,
                                                          const model::MaybeEstimate& gets_per_second) const {
    const std::size_t m = pool.in_window.size();
    double gets = 0, misses = 0;
    for (std::size_t i = 0; i < m; ++i) {
      gets += estimator_.weight(i) * static_cast<double>(pool.in_window[i].gets);
      misses += estimator_.weight(i) * static_cast<double>(pool.in_window[i].misses);
    }
    if (gets <= 0 || !misses_known(pool)) return std::nullopt;
    model::Estimate ratio{misses / gets, {}, {}};
    if (exact_ || m < kBurstsForInterval) return hit_ratio_of(ratio);
    double squares = 0, binomial = 0;
    for (std::size_t i = 0; i < m; ++i) {
      const double of_gets = ratio.value * static_cast<double>(pool.in_window[i].gets);
      const double residual = estimator_.weight(i) * (static_cast<double>(pool.in_window[i].misses) - of_gets);
      squares += residual * residual;
      binomial += estimator_.weight(i) * estimator_.weight(i) * of_gets * (1 - ratio.value);
    }
    const double count = static_cast<double>(m);
    const double variance = std::max(squares * count / (count - 1), binomial) * unseen_share(pool, gets_per_second);
    const double half = student_t_975(static_cast<unsigned>(m - 1)) * std::sqrt(variance) / gets;
    // No miss seen, or nothing else: the rule of three.
    const double least = 3 / static_cast<double>(std::max<std::uint64_t>(pool.total(&PoolSums::gets), 1));
    ratio.low = std::max(0.0, ratio.value - (misses < gets ? half : std::max(half, least)));
    ratio.high = ratio.value + (misses > 0 ? half : std::max(half, least));
    return hit_ratio_of(ratio);
  }

  [[nodiscard]] model::MaybeEstimate hit_ratio_of_watch(const model::MaybeEstimate& misses,
                                                        const model::MaybeEstimate& gets) const {
    if (!misses || !gets || gets->value <= 0 || exact_) return std::nullopt;
    model::Estimate ratio{misses->value / gets->value, {}, {}};
    if (gets->high) ratio.low = misses->value / *gets->high;
    if (gets->low && *gets->low > 0) ratio.high = misses->value / *gets->low;
    return hit_ratio_of(ratio);
  }

  // Growth is only seen where objects were followed, or a function tells it.
  [[nodiscard]] model::MaybeEstimate regrowths_per_second(const MergedPool& pool,
                                                          const model::MaybeEstimate& puts_per_second) const {
    if (pool.puts_with_growth_seen == 0 || !puts_per_second) return std::nullopt;
    const double per_put =
        static_cast<double>(pool.regrowths.value_or(0)) / static_cast<double>(pool.puts_with_growth_seen);
    return model::Estimate{puts_per_second->value * per_put, {}, {}};
  }

  void set_rates(model::PoolSummary& summary, const MergedPool& pool) const {
    summary.gets_per_second = rate(pool, &PoolSums::gets);
    summary.puts_per_second = rate(pool, &PoolSums::puts);
    const auto watched = watched_misses_per_second(pool);
    if (watched && !exact_) {
      summary.misses_per_second = watched;
    } else if (misses_known(pool)) {
      summary.misses_per_second = rate(pool, &PoolSums::misses);
    }
    const auto of_windows = hit_ratio_of_windows(pool, summary.gets_per_second);
    const auto of_watch = hit_ratio_of_watch(watched, summary.gets_per_second);
    summary.hit_ratio = of_watch && (!of_windows || width(of_watch) < width(of_windows)) ? of_watch : of_windows;
    summary.regrowths_per_second = regrowths_per_second(pool, summary.puts_per_second);
  }

  void set_counted(model::PoolSummary& summary, const MergedPool& pool) const {
    if (!pool.in_window.empty()) {
      summary.counted.gets = pool.total(&PoolSums::gets);
      summary.counted.puts = pool.total(&PoolSums::puts);
    }
    if (misses_known(pool)) summary.counted.misses = pool.total(&PoolSums::misses);
    summary.counted.regrowths = pool.regrowths;
    if (watched_misses_per_second(pool)) summary.counted.watched_misses = pool.watched_misses;
    if (merged_.collections() == 0) return;
    summary.counted.thrown_away = pool.thrown_away;
    summary.thrown_away_per_gc = static_cast<double>(pool.thrown_away) / static_cast<double>(merged_.collections());
  }

  [[nodiscard]] model::Histogram weighted(const MergedPool& pool, model::Histogram PoolSums::*member) const {
    model::Histogram result;
    for (std::size_t i = 0; i < pool.in_window.size(); ++i)
      result.merge(pool.in_window[i].*member, estimator_.weight(i));
    return result;
  }

  void set_sizes(model::PoolSummary& summary, const MergedPool& pool) const {
    std::uint64_t object_bytes = 0;
    for (const PoolSums& sums : pool.in_window) object_bytes = std::max(object_bytes, sums.object_bytes);
    if (object_bytes > 0 && !summary.element.empty()) summary.object_bytes = object_bytes;
    const std::uint64_t sized = pool.total(&PoolSums::sized_puts), empty = pool.total(&PoolSums::empty_puts);
    summary.buffer_bytes = size_summary(weighted(pool, &PoolSums::buffer_bytes));
    if (sized > 0 && static_cast<double>(empty) > kMostEmptyPuts * static_cast<double>(sized)) {
      summary.needed_bytes_reason = "reset_before_put";
      return;
    }
    summary.needed_bytes = size_summary(weighted(pool, &PoolSums::needed_bytes));
    if (!summary.needed_bytes) summary.needed_bytes_reason = why_no_lengths(pool, object_bytes);
  }

  [[nodiscard]] static const char* why_no_lengths(const MergedPool& pool, std::uint64_t object_bytes) {
    if (object_bytes > 0) return "no_buffer";
    if (pool.total(&PoolSums::puts) == 0) return "not_seen";
    if (pool.identity.kind == "custom") return "size_not_given";
    // sizes are read from the burst on that follows the first put
    return pool.identity.element.empty() ? "type_not_known" : "type_just_learnt";
  }

  // A process that ended took what lay idle in it along, unless it was the last one.
  void set_idle(model::PoolSummary& summary, const MergedPool& pool) const {
    if (pool.idle.empty()) return;
    const auto runs = [&](const auto& of_process) {
      return std::ranges::find(running_, of_process.first) != running_.end();
    };
    const bool any_runs = std::ranges::any_of(pool.idle, runs);
    model::PoolIdle all;
    for (const auto& of_process : pool.idle) {
      if (any_runs && !runs(of_process)) continue;
      const model::PoolIdle& idle = of_process.second;
      all.objects += idle.objects;
      all.sampled += idle.sampled;
      all.sampled_bytes += idle.sampled_bytes;
    }
    summary.idle = all.objects;
    if (all.sampled == 0) return;
    const double mean_bytes = static_cast<double>(all.sampled_bytes) / static_cast<double>(all.sampled);
    summary.idle_bytes = static_cast<std::uint64_t>(mean_bytes * static_cast<double>(all.objects));
  }

  void set_use(model::PoolSummary& summary, const MergedPool& pool) const {
    model::Histogram hold_ns;
    model::PoolUse use;
    for (const PoolSums& sums : pool.in_window) {
      hold_ns.merge(sums.hold_ns);
      use.put_twice += sums.put_twice;
    }
    if (pool.order) {
      if (!exact_) {  // else both ways of counting saw the same events
        hold_ns.merge(pool.order->hold_ns);
        use.put_twice += pool.order->put_twice;
      }
      use.used_after_put = pool.order->used_after_put;
      set_never_put(use, *pool.order, hold_ns);
    }
    if (hold_ns.empty() && use.put_twice == 0 && use.used_after_put.value_or(0) == 0) return;
    const auto seconds = [&](double p) { return static_cast<double>(*hold_ns.quantile(p)) / 1e9; };
    if (!hold_ns.empty()) {
      use.hold_seconds_p50 = seconds(0.50);
      use.hold_seconds_p95 = seconds(0.95);
      use.hold_seconds_p99 = seconds(0.99);
    }
    summary.use = use;
  }

  [[nodiscard]] model::PoolSummary summarize(const MergedPool& pool) const {
    model::PoolSummary summary;
    summary.kind = pool.identity.kind;
    summary.element = pool.element();
    summary.new_function = pool.identity.new_function;
    summary.library = pool.identity.library;
    set_rates(summary, pool);
    set_counted(summary, pool);
    set_sizes(summary, pool);
    set_use(summary, pool);
    set_idle(summary, pool);
    if (pool.order) set_miss_curve(summary, *pool.order);
    return summary;
  }

  MergedPools merged_;
  bool exact_;
  RateEstimator estimator_;
  std::span<const model::ProcessKey> running_;
};

}  // namespace

std::vector<model::PoolSummary> summarize_pools(std::span<const model::PoolBurstRecord> bursts,
                                                std::span<const model::PoolWatchRecord> watches,
                                                const TargetTotals& totals, std::span<const model::ProcessKey> running,
                                                const PriceCheck& price) {
  return PoolEstimates(bursts, watches, totals, running, price).summaries();
}

}  // namespace poolscope::estimate
