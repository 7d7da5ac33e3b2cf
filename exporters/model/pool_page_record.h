#pragma once
// Pool page records: what one look at a stats page (poolscope/stats_page.h) of one process gave. Counts are what was added since the
// record before; the first record of a page (length_ns 0) holds what the pools had counted until then, so that the sum of all
// records is what the pools counted themselves.

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "exporters/model/histogram.h"
#include "exporters/model/pool_record.h"
#include "exporters/model/record.h"
#include "poolscope/stats_page.h"

namespace poolscope::model {

struct PoolPageCounts {
  std::uint64_t gets = 0;
  std::uint64_t gets_failed = 0;  // of these, nothing was handed out
  std::uint64_t puts = 0;         // kept or not
  std::uint64_t created = 0, destroyed = 0;
  std::uint64_t regrowths = 0;
  std::array<std::uint64_t, PS_MISS_REASONS> misses{};        // by enum ps_miss
  std::array<std::uint64_t, PS_DISCARD_REASONS> discards{};   // by enum ps_discard
  Histogram needed_bytes, buffer_bytes, idle_depth, hold_ns;  // as the pool samples them

  [[nodiscard]] std::uint64_t all_misses() const;
  void merge(const PoolPageCounts& other);
  bool operator==(const PoolPageCounts&) const = default;
};

// As configured; absent where the pool has no such limit, or it is open.
struct PoolPageLimits {
  std::optional<std::uint64_t> buffer_bytes, max_idle_buffers, max_borrowed_buffers, max_retained_bytes;
  bool operator==(const PoolPageLimits&) const = default;
};

// The pool at the end of the record.
struct PoolPageState {
  std::uint64_t borrowed = 0, idle = 0;
  std::optional<std::uint64_t> borrowed_high;  // most at a time in the last intervals of water marks
  std::uint64_t cached_capacity = 0;           // so far `borrowed_high` may be too high
  PoolPageLimits limits;

  // Of another pool that is to be one with this: objects add up; of the limits, which are of each alone, the larger one.
  void merge(const PoolPageState& other);
  bool operator==(const PoolPageState&) const = default;
};

struct PoolPageSums {
  PoolIdentity pool;
  std::uint64_t known = 0;  // PS_KNOWN_*: what else is here is not measured and means nothing
  PoolPageCounts counted;
  std::optional<PoolPageState> state;  // absent: the pool has ended

  void merge(const PoolPageSums& other);
  bool operator==(const PoolPageSums&) const = default;
};

struct PoolPageRecord {
  ProcessKey process;
  std::uint64_t page = 0;  // tells pages of one process apart
  std::uint64_t start_ns = 0;
  std::uint64_t length_ns = 0;
  std::vector<PoolPageSums> pools;  // one per identity, in the order of these

  // The record that follows this one of the same page.
  void append(const PoolPageRecord& next);
  bool operator==(const PoolPageRecord&) const = default;
};

}  // namespace poolscope::model
