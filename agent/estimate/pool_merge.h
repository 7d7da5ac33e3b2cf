#pragma once
// MergedPools: pool records of one target, sorted by pool. Pools of one identity in one window (several on the heap with the same New
// function, say) are one.
//   Windows   of very different lengths weigh the same in a rate (rate.h). A burst on pools is as long as the budget pays for, the
//             first ones are short because nothing is known yet: windows of one process that are shorter than a fifth of those in
//             which half of the time was seen are joined, one after the other, until they are as long together. What is left over
//             at the end is left out. Times and counts of joined windows add up.
//   Order     of events was seen in bursts that a number of events ended: no windows for rates, unless there are no others.
//   Watch     is used only where misses were watched all the time in every process.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "agent/estimate/rate.h"
#include "exporters/model/pool_record.h"

namespace poolscope::estimate {

struct MergedPool {
  model::PoolIdentity identity;
  bool has_mixed_elements = false;
  std::vector<model::PoolSums> in_window;             // one for each of windows(); zeros where the pool was not seen
  std::map<model::ProcessKey, model::PoolIdle> idle;  // of each process, when it was last read
  std::optional<std::uint64_t> regrowths;             // in bursts that see growth; absent: there were none
  std::uint64_t puts_with_growth_seen = 0;
  std::optional<model::PoolOrderSums> order;  // of all bursts that saw its events one by one
  std::uint64_t watched_misses = 0;
  std::uint64_t thrown_away = 0;

  [[nodiscard]] std::uint64_t total(std::uint64_t model::PoolSums::*member) const;
  // Empty when objects of several types are in it.
  [[nodiscard]] std::string element() const { return has_mixed_elements ? "" : identity.element; }
};

class MergedPools {
 public:
  MergedPools(std::span<const model::PoolBurstRecord> bursts, std::span<const model::PoolWatchRecord> watches);

  using Key = std::tuple<std::string, std::string, std::string>;  // kind, name, address
  [[nodiscard]] const std::map<Key, MergedPool>& pools() const { return pools_; }
  // The windows that count, each with the gets and puts of all pools in it.
  [[nodiscard]] const std::vector<CountedWindow>& windows() const { return windows_; }
  // Time in which every miss was seen; nothing when that was not so all the time.
  [[nodiscard]] std::optional<double> miss_watched_seconds() const { return miss_watched_seconds_; }
  [[nodiscard]] std::uint64_t collections() const { return collections_; }

 private:
  [[nodiscard]] static Key key_of(const model::PoolIdentity& identity);
  MergedPool& pool_of(const model::PoolIdentity& identity);
  void add(const model::PoolBurstRecord& burst, std::size_t window);
  void add_idle(const model::PoolBurstRecord& burst);
  void add(std::span<const model::PoolWatchRecord> watches);
  void add_order(std::span<const model::PoolBurstRecord> bursts);

  std::map<Key, MergedPool> pools_;
  std::vector<CountedWindow> windows_;
  std::optional<double> miss_watched_seconds_;
  std::uint64_t collections_ = 0;
};

}  // namespace poolscope::estimate
