#include "agent/estimate/pool_merge.h"

#include <algorithm>
#include <numeric>

#include "agent/estimate/exact.h"
#include "agent/estimate/rate.h"

namespace poolscope::estimate {
namespace {

using model::PoolSums;

constexpr double kShortestPart = 0.2;  // of the windows in which half of the time was seen

std::vector<std::size_t> windows_that_count(std::span<const model::PoolBurstRecord> bursts) {
  std::vector<std::size_t> all(bursts.size());
  std::iota(all.begin(), all.end(), 0u);
  std::erase_if(all, [&](std::size_t i) { return bursts[i].window.length_ns == 0; });
  const auto only_order = [&](std::size_t i) { return bursts[i].in_order && !bursts[i].exact; };
  if (!std::ranges::all_of(all, only_order)) std::erase_if(all, only_order);
  const auto length = [&](std::size_t i) { return static_cast<double>(bursts[i].window.length_ns); };
  std::vector<double> lengths;
  for (const std::size_t i : all) lengths.push_back(length(i));
  std::ranges::sort(lengths, std::greater<>());
  const double half = std::accumulate(lengths.begin(), lengths.end(), 0.0) / 2;
  double seen = 0, typical = 0;
  for (const double each : lengths) {
    typical = each;
    seen += each;
    if (seen >= half) break;
  }
  std::erase_if(all, [&](std::size_t i) {
    return !bursts[i].exact && !bursts[i].window.ended_by_count && length(i) < kShortestPart * typical;
  });
  return all;
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
  into.regrowths_known |= more.regrowths_known;
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
                         std::span<const model::PoolWatchRecord> watches)
    : used_(windows_that_count(bursts)) {
  for (std::size_t window = 0; window < used_.size(); ++window) {
    for (const PoolSums& sums : bursts[used_[window]].pools) {
      MergedPool& pool = pool_of(sums.pool);
      merge(pool.in_window[window], sums);
      pool.has_mixed_elements |= sums.other_elements > 0;
    }
  }
  add_order(bursts);
  add(watches);
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

// What became known later (element type, library) completes what was known before.
MergedPool& MergedPools::pool_of(const model::PoolIdentity& identity) {
  MergedPool& pool = pools_[{identity.kind, identity.name, identity.address}];
  if (pool.identity.kind.empty()) {
    pool.identity = identity;
    pool.in_window.resize(used_.size());
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
