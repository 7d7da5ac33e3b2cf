#include "agent/estimate/pool_merge.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "agent/estimate/exact.h"
#include "agent/estimate/rate.h"

namespace poolscope::estimate {
namespace {

using model::PoolSums;

constexpr double kShortestPart = 0.2;  // of the windows in which half of the time was seen

using Bursts = std::span<const model::PoolBurstRecord>;

// Positions of those whose windows tell rates: all, but for those that saw events in order, where there are others.
std::vector<std::size_t> with_rates(Bursts bursts) {
  std::vector<std::size_t> all(bursts.size());
  std::iota(all.begin(), all.end(), 0u);
  std::erase_if(all, [&](std::size_t i) { return bursts[i].window.length_ns == 0; });
  const auto only_order = [&](std::size_t i) { return bursts[i].in_order && !bursts[i].exact; };
  if (!std::ranges::all_of(all, only_order)) std::erase_if(all, only_order);
  return all;
}

// Of the windows in which half of the time was seen, the shortest.
double typical_length_ns(Bursts bursts, const std::vector<std::size_t>& counting) {
  std::vector<double> lengths;
  lengths.reserve(counting.size());
  for (const std::size_t i : counting) lengths.push_back(static_cast<double>(bursts[i].window.length_ns));
  std::ranges::sort(lengths, std::greater<>());
  const double half = std::accumulate(lengths.begin(), lengths.end(), 0.0) / 2;
  double seen = 0;
  for (const double each : lengths) {
    seen += each;
    if (seen >= half) return each;
  }
  return 0;
}

// Positions of bursts whose windows count as one.
using Joined = std::vector<std::size_t>;

std::vector<Joined> joined_windows(Bursts bursts) {
  const auto counting = with_rates(bursts);
  const double least_ns = kShortestPart * typical_length_ns(bursts, counting);
  struct Unfinished {
    Joined parts;
    double length_ns = 0;
  };
  std::map<model::ProcessKey, Unfinished> unfinished;
  std::vector<Joined> result;
  for (const std::size_t i : counting) {
    const model::Window& window = bursts[i].window;
    const auto length_ns = static_cast<double>(window.length_ns);
    if (bursts[i].exact || window.ended_by_count || length_ns >= least_ns) {
      result.push_back({i});
      continue;
    }
    Unfinished& together = unfinished[bursts[i].process];
    together.parts.push_back(i);
    together.length_ns += length_ns;
    if (together.length_ns >= least_ns) result.push_back(std::exchange(together, {}).parts);
  }
  return result;
}

// The time between two windows is in none of the sums.
model::Window sum_of(model::Window sum, const model::Window& more) {
  sum.length_ns += more.length_ns;
  sum.cpu_ns += more.cpu_ns;
  sum.charge_ns += more.charge_ns;
  sum.probe_hits += more.probe_hits;
  sum.work += more.work;
  return sum;
}

CountedWindow window_of(Bursts bursts, const Joined& joined) {
  CountedWindow result{bursts[joined.front()].process, bursts[joined.front()].window, 0};
  for (const std::size_t i : joined) {
    for (const auto& sums : bursts[i].pools) result.events += sums.gets + sums.puts;
    if (i != joined.front()) result.window = sum_of(result.window, bursts[i].window);
  }
  return result;
}

void merge(model::PoolIdle& into, const model::PoolIdle& more) {
  into.objects += more.objects;
  into.sampled += more.sampled;
  into.sampled_bytes += more.sampled_bytes;
}

void merge(PoolSums& into, const PoolSums& more) {
  for (const auto member :
       {&PoolSums::gets, &PoolSums::misses, &PoolSums::puts, &PoolSums::nil_puts, &PoolSums::regrowths,
        &PoolSums::sized_puts, &PoolSums::empty_puts, &PoolSums::other_elements}) {
    into.*member += more.*member;
  }
  for (const auto member : {&PoolSums::hold_ns, &PoolSums::needed_bytes, &PoolSums::buffer_bytes}) {
    (into.*member).merge(more.*member);
  }
  into.misses_known &= more.misses_known;
  into.object_bytes = std::max(into.object_bytes, more.object_bytes);
  into.put_twice += more.put_twice;
}

}  // namespace

std::uint64_t MergedPool::total(std::uint64_t PoolSums::*member) const {
  std::uint64_t sum = 0;
  for (const PoolSums& sums : in_window) sum += sums.*member;
  return sum;
}

MergedPools::MergedPools(std::span<const model::PoolBurstRecord> bursts,
                         std::span<const model::PoolWatchRecord> watches) {
  const auto joined = joined_windows(bursts);
  for (const Joined& each : joined) windows_.push_back(window_of(bursts, each));
  for (std::size_t window = 0; window < joined.size(); ++window) {
    for (const std::size_t burst : joined[window]) add(bursts[burst], window);
  }
  add_order(bursts);
  add(watches);
  // In the order of bursts, which is not that of windows: a joined one ends where its last part does.
  for (const auto& burst : bursts) add_idle(burst);
}

void MergedPools::add_order(std::span<const model::PoolBurstRecord> bursts) {
  for (const auto& burst : bursts) {
    for (const PoolSums& sums : burst.pools) {
      if (!sums.order) continue;
      MergedPool& pool = pool_of(sums.pool);
      if (!pool.order) pool.order.emplace();
      pool.order->merge(*sums.order);
    }
  }
}

void MergedPools::add(const model::PoolBurstRecord& burst, std::size_t window) {
  for (const PoolSums& sums : burst.pools) {
    MergedPool& pool = pool_of(sums.pool);
    merge(pool.in_window[window], sums);
    pool.has_mixed_elements |= sums.other_elements > 0;
    if (!sums.regrowths_known) continue;
    pool.regrowths = pool.regrowths.value_or(0) + sums.regrowths;
    pool.puts_with_growth_seen += sums.puts;
  }
}

// Of pools that a window or a watch has shown.
void MergedPools::add_idle(const model::PoolBurstRecord& burst) {
  std::map<MergedPool*, model::PoolIdle> idle;
  for (const PoolSums& sums : burst.pools) {
    const auto found = pools_.find(key_of(sums.pool));
    if (sums.idle && found != pools_.end()) merge(idle[&found->second], *sums.idle);
  }
  for (const auto& [pool, sum] : idle) pool->idle[burst.process] = sum;
}

MergedPools::Key MergedPools::key_of(const model::PoolIdentity& identity) {
  return {identity.kind, identity.name, identity.address};
}

// What became known later (element type, library) completes what was known before.
MergedPool& MergedPools::pool_of(const model::PoolIdentity& identity) {
  MergedPool& pool = pools_[key_of(identity)];
  if (pool.identity.kind.empty()) {
    pool.identity = identity;
    pool.in_window.resize(windows_.size());
  }
  for (const auto member : {&model::PoolIdentity::library, &model::PoolIdentity::new_function}) {
    if ((pool.identity.*member).empty()) pool.identity.*member = identity.*member;
  }
  if (pool.identity.element.empty()) pool.identity.element = identity.element;
  pool.has_mixed_elements |= !identity.element.empty() && identity.element != pool.identity.element;
  return pool;
}

void MergedPools::add(std::span<const model::PoolWatchRecord> watches) {
  std::vector<CountedWindow> watched;
  bool always = !watches.empty();
  for (const auto& watch : watches) {
    CountedWindow window{watch.process, {}, 0};
    window.window.start_ns = watch.start_ns;
    window.window.length_ns = watch.length_ns;
    watched.push_back(window);
    always &= watch.misses_watched;
    if (watch.collections_watched) collections_ += watch.collections;
    for (const auto& sums : watch.pools) {
      MergedPool& pool = pool_of(sums.pool);
      pool.watched_misses += sums.misses;
      if (watch.collections_watched) pool.thrown_away += sums.thrown_away;
    }
  }
  const double seconds = static_cast<double>(union_ns(watched)) / 1e9;
  if (always && seconds > 0) miss_watched_seconds_ = seconds;
}

}  // namespace poolscope::estimate
