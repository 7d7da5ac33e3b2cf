#pragma once
// What a reader makes of a stats page: pools by name with the sums of their blocks, following the rules in poolscope/stats_page.h.

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "poolscope/stats_page.h"

namespace poolscope::test {

struct PoolView {
  ps_pool slot{};  // a copy
  ps_block sums{};

  [[nodiscard]] std::uint64_t borrowed() const {
    return slot.borrowed_at_start + sums.gets - sums.gets_failed - (sums.puts - sums.discards[PS_DISCARD_FOREIGN]);
  }
  [[nodiscard]] std::uint64_t idle() const {
    return slot.objects_at_start + sums.created - sums.destroyed - borrowed();
  }
  [[nodiscard]] std::uint64_t misses() const {
    return sums.misses[PS_MISS_EMPTY] + sums.misses[PS_MISS_EXHAUSTED] + sums.misses[PS_MISS_OVER_MAX_SIZE];
  }
};

inline std::uint64_t total(const ps_histogram& histogram) {
  std::uint64_t sum = 0;
  for (const auto count : histogram.counts) sum += count;
  return sum;
}

inline void add_block(PoolView& view, const ps_block& block) {
  view.sums.puts += ps_block_puts(&block);
  view.sums.gets += ps_block_gets(&block);
  view.sums.gets_failed += ps_load(&block.gets_failed);
  view.sums.created += ps_load(&block.created);
  view.sums.destroyed += ps_load(&block.destroyed);
  view.sums.regrowths += ps_load(&block.regrowths);
  for (int i = 0; i < PS_MISS_REASONS; ++i) view.sums.misses[i] += ps_load(&block.misses[i]);
  for (int i = 0; i < PS_DISCARD_REASONS; ++i) view.sums.discards[i] += ps_load(&block.discards[i]);
}

inline std::optional<PoolView> read_pool(const void* page, const ps_stats_header& header, ps_u32 index) {
  const ps_pool* pool = ps_pool_at(page, &header, index);
  const ps_u64 sequence = ps_pool_sequence(pool);
  if (sequence == 0) return std::nullopt;
  PoolView view;
  std::memcpy(&view.slot, pool, sizeof(view.slot));
  for (ps_u32 i = 0; i < header.blocks_used; ++i) {
    const ps_block* block = ps_block_at(page, &header, i);
    if (ps_load(&block->pool_sequence) == sequence && ps_load(&block->pool_index) == index) add_block(view, *block);
  }
  if (ps_pool_unchanged(pool, sequence) == 0) return std::nullopt;
  return view;
}

// Live pools only.
inline std::vector<PoolView> read_pools(const void* page) {
  ps_stats_header header;
  std::memcpy(&header, page, sizeof(header));
  std::vector<PoolView> pools;
  if (ps_stats_problem(&header, header.page_bytes) != nullptr) return pools;
  for (ps_u32 i = 0; i < header.pools_used; ++i) {
    const auto pool = read_pool(page, header, i);
    if (pool && pool->slot.state == PS_POOL_LIVE) pools.push_back(*pool);
  }
  return pools;
}

// The live pool called `name`; an empty view when there is none.
inline PoolView pool_named(const void* page, const std::string& name) {
  for (const auto& pool : read_pools(page)) {
    if (name == pool.slot.name) return pool;
  }
  return {};
}

}  // namespace poolscope::test
