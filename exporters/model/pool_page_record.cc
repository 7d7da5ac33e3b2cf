#include "exporters/model/pool_page_record.h"

#include <algorithm>
#include <numeric>

namespace poolscope::model {
namespace {

void take_larger(std::optional<std::uint64_t>& mine, const std::optional<std::uint64_t>& other) {
  mine = std::max(mine, other);  // nothing is less than any value
}

template <std::size_t N>
void add(std::array<std::uint64_t, N>& sums, const std::array<std::uint64_t, N>& more) {
  for (std::size_t i = 0; i < N; ++i) sums[i] += more[i];
}

}  // namespace

std::uint64_t PoolPageCounts::all_misses() const {
  return std::accumulate(misses.begin(), misses.end(), std::uint64_t{0});
}

void PoolPageCounts::merge(const PoolPageCounts& other) {
  gets += other.gets;
  gets_failed += other.gets_failed;
  puts += other.puts;
  created += other.created;
  destroyed += other.destroyed;
  regrowths += other.regrowths;
  add(misses, other.misses);
  add(discards, other.discards);
  needed_bytes.merge(other.needed_bytes);
  buffer_bytes.merge(other.buffer_bytes);
  idle_depth.merge(other.idle_depth);
  hold_ns.merge(other.hold_ns);
}

void PoolPageState::merge(const PoolPageState& other) {
  borrowed += other.borrowed;
  idle += other.idle;
  if (other.borrowed_high) borrowed_high = borrowed_high.value_or(0) + *other.borrowed_high;
  cached_capacity += other.cached_capacity;
  take_larger(limits.buffer_bytes, other.limits.buffer_bytes);
  take_larger(limits.max_idle_buffers, other.limits.max_idle_buffers);
  take_larger(limits.max_borrowed_buffers, other.limits.max_borrowed_buffers);
  take_larger(limits.max_retained_bytes, other.limits.max_retained_bytes);
}

void PoolPageSums::merge(const PoolPageSums& other) {
  known &= other.known;
  counted.merge(other.counted);
  if (state && other.state) {
    state->merge(*other.state);
  } else if (other.state) {
    state = other.state;
  }
}

void PoolPageRecord::append(const PoolPageRecord& next) {
  length_ns = next.start_ns + next.length_ns - start_ns;
  for (const PoolPageSums& later : next.pools) {
    const auto found = std::ranges::lower_bound(pools, later.pool, {}, &PoolPageSums::pool);
    if (found == pools.end() || found->pool != later.pool) {
      pools.insert(found, later);
    } else {
      found->known &= later.known;
      found->counted.merge(later.counted);
      found->state = later.state;
    }
  }
}

}  // namespace poolscope::model
