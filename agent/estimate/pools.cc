#include "agent/estimate/pools.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <tuple>

#include "agent/estimate/exact.h"
#include "agent/estimate/price_check.h"
#include "agent/estimate/sizes.h"

namespace poolscope::estimate {
namespace {

using model::PoolSums;

struct Pool {
  model::PoolIdentity identity;
  std::vector<const PoolSums*> in_window;  // one for each burst; nullptr where it was not seen
  std::map<model::ProcessKey, std::uint64_t> watched_misses;
  std::uint64_t thrown_away = 0;
};

struct Watched {
  std::map<model::ProcessKey, double> miss_seconds;  // how long misses were watched
  std::uint64_t collections = 0;
};

class PoolEstimates {
 public:
  PoolEstimates(std::span<const model::PoolBurstRecord> bursts, std::span<const model::PoolWatchRecord> watches,
                const TargetTotals& totals)
      : bursts_(bursts), estimator_(estimator(windows(bursts), totals)) {
    for (std::size_t i = 0; i < bursts.size(); ++i) {
      for (const auto& sums : bursts[i].pools) pool_of(sums.pool).in_window[i] = &sums;
    }
    for (const auto& watch : watches) add(watch);
  }

  [[nodiscard]] std::vector<model::PoolSummary> summaries() const {
    std::map<std::string, unsigned> uses;
    for (const auto& [key, pool] : pools_) ++uses[pool.identity.name];
    std::vector<model::PoolSummary> result;
    for (const auto& [key, pool] : pools_) {
      result.push_back(summarize(pool));
      result.back().name = display_name(pool.identity, uses[pool.identity.name] > 1);
    }
    const auto rate = [](const model::MaybeEstimate& estimate) { return estimate ? estimate->value : 0; };
    std::ranges::stable_sort(result, [&](const auto& a, const auto& b) {
      return std::pair(rate(a.gets_per_second), rate(a.misses_per_second)) >
             std::pair(rate(b.gets_per_second), rate(b.misses_per_second));
    });
    return result;
  }

 private:
  static std::vector<CountedWindow> windows(std::span<const model::PoolBurstRecord> bursts) {
    std::vector<CountedWindow> result;
    for (const auto& burst : bursts) {
      std::uint64_t events = 0;
      for (const auto& sums : burst.pools) events += sums.gets + sums.puts;
      result.push_back({burst.process, burst.window, events});
    }
    return result;
  }

  RateEstimator estimator(std::vector<CountedWindow> windows, const TargetTotals& totals) {
    windows_ = std::move(windows);
    exact_ = all_exact(bursts_);
    if (exact_ || windows_.empty()) return RateEstimator::exact(windows_);
    return sharpest_estimator(windows_, totals, PriceCheck::kPriorError).estimator;
  }

  // What became known later (the element type) completes what was known before.
  Pool& pool_of(const model::PoolIdentity& identity) {
    Pool& pool = pools_[{identity.kind, identity.name, identity.address}];
    if (pool.identity.kind.empty()) {
      pool.identity = identity;
      pool.in_window.resize(bursts_.size());
    }
    if (pool.identity.library.empty()) pool.identity.library = identity.library;
    if (pool.identity.element.empty()) pool.identity.element = identity.element;
    if (pool.identity.new_function.empty()) pool.identity.new_function = identity.new_function;
    return pool;
  }

  void add(const model::PoolWatchRecord& watch) {
    if (watch.misses_watched) watched_.miss_seconds[watch.process] += static_cast<double>(watch.length_ns) / 1e9;
    if (watch.collections_watched) watched_.collections += watch.collections;
    for (const auto& sums : watch.pools) {
      Pool& pool = pool_of(sums.pool);
      if (watch.misses_watched) pool.watched_misses[watch.process] += sums.misses;
      if (watch.collections_watched) pool.thrown_away += sums.thrown_away;
    }
  }

  [[nodiscard]] static std::string display_name(const model::PoolIdentity& identity, bool is_shared) {
    if (!identity.name.empty()) {
      return is_shared && !identity.address.empty() ? identity.name + " at " + identity.address : identity.name;
    }
    return (identity.element.empty() ? "pool" : "pool of " + identity.element) + " at " + identity.address;
  }

  [[nodiscard]] std::vector<WindowCount> counts(const Pool& pool, std::uint64_t PoolSums::*member) const {
    std::vector<WindowCount> result;
    for (const PoolSums* sums : pool.in_window) {
      result.push_back(WindowCount::of_events(sums != nullptr ? static_cast<double>(sums->*member) : 0));
    }
    return result;
  }
  [[nodiscard]] std::uint64_t total(const Pool& pool, std::uint64_t PoolSums::*member) const {
    std::uint64_t sum = 0;
    for (const PoolSums* sums : pool.in_window) sum += sums != nullptr ? sums->*member : 0;
    return sum;
  }
  [[nodiscard]] model::MaybeEstimate rate(const Pool& pool, std::uint64_t PoolSums::*member) const {
    return bursts_.empty() ? std::nullopt : estimator_.rate(counts(pool, member));
  }
  [[nodiscard]] static bool misses_known(const Pool& pool) {
    return std::ranges::all_of(pool.in_window,
                               [](const PoolSums* sums) { return sums == nullptr || sums->misses_known; });
  }

  [[nodiscard]] model::MaybeEstimate watched_misses_per_second(const Pool& pool) const {
    if (watched_.miss_seconds.empty() || !misses_known(pool)) return std::nullopt;
    double rate = 0;
    for (const auto& [process, seconds] : watched_.miss_seconds) {
      const auto found = pool.watched_misses.find(process);
      if (found != pool.watched_misses.end() && seconds > 0) rate += static_cast<double>(found->second) / seconds;
    }
    return model::Estimate{rate, rate, rate};
  }

  [[nodiscard]] static model::Estimate hit_ratio_of(const model::Estimate& miss_ratio) {
    const auto hit = [](double miss) { return std::clamp(1 - miss, 0.0, 1.0); };
    model::Estimate result{hit(miss_ratio.value), {}, {}};
    if (miss_ratio.high) result.low = hit(*miss_ratio.high);
    if (miss_ratio.low) result.high = hit(*miss_ratio.low);
    return result;
  }

  // Misses and gets of the same windows: neither price nor time matters.
  [[nodiscard]] model::MaybeEstimate hit_ratio_of_windows(const Pool& pool) const {
    const std::uint64_t gets = total(pool, &PoolSums::gets);
    if (gets == 0 || !misses_known(pool)) return std::nullopt;
    if (exact_) {
      const double hits = static_cast<double>(gets - std::min(gets, total(pool, &PoolSums::misses)));
      return model::Estimate{hits / static_cast<double>(gets), {}, {}};
    }
    Related related{{}, 1.0, 0};
    for (const auto& count : counts(pool, &PoolSums::gets)) related.in_window.push_back(count.sum);
    const auto misses = RateEstimator::sampled(windows_, related).rate(counts(pool, &PoolSums::misses));
    return misses ? model::MaybeEstimate(hit_ratio_of(*misses)) : std::nullopt;
  }

  [[nodiscard]] model::MaybeEstimate hit_ratio_of_watch(const model::MaybeEstimate& misses,
                                                        const model::MaybeEstimate& gets) const {
    if (!misses || !gets || gets->value <= 0 || exact_) return std::nullopt;
    model::Estimate ratio{misses->value / gets->value, {}, {}};
    if (gets->high) ratio.low = misses->value / *gets->high;
    if (gets->low && *gets->low > 0) ratio.high = misses->value / *gets->low;
    return hit_ratio_of(ratio);
  }

  [[nodiscard]] static double width(const model::MaybeEstimate& estimate) {
    const bool has_interval = estimate && estimate->low && estimate->high;
    return has_interval ? *estimate->high - *estimate->low : std::numeric_limits<double>::infinity();
  }

  [[nodiscard]] model::Histogram merged(const Pool& pool, model::Histogram PoolSums::*member) const {
    model::Histogram result;
    for (std::size_t i = 0; i < pool.in_window.size(); ++i) {
      if (pool.in_window[i] != nullptr) result.merge(pool.in_window[i]->*member, estimator_.weight(i));
    }
    return result;
  }

  void set_rates(model::PoolSummary& summary, const Pool& pool) const {
    summary.gets_per_second = rate(pool, &PoolSums::gets);
    summary.puts_per_second = rate(pool, &PoolSums::puts);
    const auto watched = watched_misses_per_second(pool);
    summary.misses_per_second = watched && !exact_   ? watched
                                : misses_known(pool) ? rate(pool, &PoolSums::misses)
                                                     : std::nullopt;
    const auto of_windows = hit_ratio_of_windows(pool);
    const auto of_watch = hit_ratio_of_watch(watched, summary.gets_per_second);
    summary.hit_ratio = of_watch && width(of_watch) <= width(of_windows) ? of_watch : of_windows;
    if (total(pool, &PoolSums::regrowths) > 0) summary.regrowths_per_second = rate(pool, &PoolSums::regrowths);
  }

  void set_counted(model::PoolSummary& summary, const Pool& pool) const {
    summary.counted.gets = total(pool, &PoolSums::gets);
    summary.counted.puts = total(pool, &PoolSums::puts);
    if (misses_known(pool) && !bursts_.empty()) summary.counted.misses = total(pool, &PoolSums::misses);
    summary.counted.regrowths = total(pool, &PoolSums::regrowths);
    if (!watched_.miss_seconds.empty() && misses_known(pool)) {
      std::uint64_t misses = 0;
      for (const auto& [process, count] : pool.watched_misses) misses += count;
      summary.counted.watched_misses = misses;
    }
    if (watched_.collections == 0) return;
    summary.counted.thrown_away = pool.thrown_away;
    summary.thrown_away_per_gc = static_cast<double>(pool.thrown_away) / static_cast<double>(watched_.collections);
  }

  void set_sizes(model::PoolSummary& summary, const Pool& pool) const {
    const std::uint64_t sized = total(pool, &PoolSums::sized_puts), empty = total(pool, &PoolSums::empty_puts);
    for (const PoolSums* sums : pool.in_window) {
      if (sums != nullptr && sums->object_bytes > 0 && !summary.element.empty())
        summary.object_bytes = sums->object_bytes;
    }
    summary.buffer_bytes = size_summary(merged(pool, &PoolSums::buffer_bytes));
    if (sized > 0 && static_cast<double>(empty) > kMostEmptyPuts * static_cast<double>(sized)) {
      summary.needed_bytes_reason = "reset_before_put";
      return;
    }
    summary.needed_bytes = size_summary(merged(pool, &PoolSums::needed_bytes));
    if (summary.needed_bytes) return;
    summary.needed_bytes_reason = summary.object_bytes ? "no_buffer" : "not_seen";
  }

  void set_use(model::PoolSummary& summary, const Pool& pool) const {
    model::Histogram hold_ns;
    model::PoolUse use;
    for (const PoolSums* sums : pool.in_window) {
      if (sums == nullptr) continue;
      hold_ns.merge(sums->hold_ns);
      use.followed_gets += sums->misuse.followed_gets;
      use.never_put += sums->misuse.never_put;
      use.put_twice += sums->misuse.put_twice;
    }
    if (hold_ns.empty() && use.followed_gets == 0) return;
    const auto seconds = [&](double p) { return static_cast<double>(*hold_ns.quantile(p)) / 1e9; };
    if (!hold_ns.empty()) {
      use.hold_seconds_p50 = seconds(0.50);
      use.hold_seconds_p95 = seconds(0.95);
      use.hold_seconds_p99 = seconds(0.99);
    }
    summary.use = use;
  }

  [[nodiscard]] model::PoolSummary summarize(const Pool& pool) const {
    model::PoolSummary summary;
    summary.kind = pool.identity.kind;
    if (total(pool, &PoolSums::other_elements) == 0) summary.element = pool.identity.element;
    summary.new_function = pool.identity.new_function;
    summary.library = pool.identity.library;
    set_rates(summary, pool);
    set_counted(summary, pool);
    set_sizes(summary, pool);
    set_use(summary, pool);
    return summary;
  }

  std::span<const model::PoolBurstRecord> bursts_;
  std::vector<CountedWindow> windows_;
  bool exact_ = false;
  RateEstimator estimator_;
  std::map<std::tuple<std::string, std::string, std::string>, Pool> pools_;  // by kind, name, address
  Watched watched_;
};

}  // namespace

std::vector<model::PoolSummary> summarize_pools(std::span<const model::PoolBurstRecord> bursts,
                                                std::span<const model::PoolWatchRecord> watches,
                                                const TargetTotals& totals) {
  return PoolEstimates(bursts, watches, totals).summaries();
}

}  // namespace poolscope::estimate
