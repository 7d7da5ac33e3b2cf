#pragma once
// Short ways to write pool records in tests. All windows are one second of a process that is always busy.

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "agent/estimate/pools.h"
#include "tests/unit/estimate/make_records.h"

namespace poolscope::estimate::testing {

inline model::PoolIdentity identity(const std::string& name, const std::string& address = "") {
  return {"go_sync_pool", name, address, "*[]uint8", "", ""};
}

inline model::PoolSums pool(const std::string& name, std::uint64_t gets, std::uint64_t misses = 0) {
  model::PoolSums sums;
  sums.pool = identity(name);
  sums.gets = sums.puts = gets;
  sums.misses = misses;
  sums.regrowths_known = true;
  return sums;
}

inline model::PoolBurstRecord pool_burst(unsigned at, std::vector<model::PoolSums> pools, int pid = 1) {
  model::PoolBurstRecord burst;
  burst.process.pid = pid;
  burst.window.start_ns = at * kSecondNs;
  burst.window.length_ns = burst.window.cpu_ns = kSecondNs;
  burst.pools = std::move(pools);
  return burst;
}
inline model::PoolBurstRecord exact_burst(unsigned at, std::vector<model::PoolSums> pools, int pid = 1) {
  model::PoolBurstRecord burst = pool_burst(at, std::move(pools), pid);
  burst.exact = true;
  return burst;
}
// As many as an interval needs, all alike.
inline std::vector<model::PoolBurstRecord> alike(const model::PoolSums& sums) {
  std::vector<model::PoolBurstRecord> bursts;
  for (unsigned i = 0; i < kBurstsForInterval; ++i) bursts.push_back(pool_burst(i, {sums}));
  return bursts;
}
// Nothing in the program tells a miss.
inline void hide_misses(model::PoolBurstRecord& burst) {
  for (auto& sums : burst.pools) sums.misses_known = false;
}

// Ten seconds from second `at` in which misses alone were watched.
inline model::PoolWatchRecord miss_watch(unsigned at, std::vector<model::PoolWatchSums> pools, int pid = 1) {
  model::PoolWatchRecord watch;
  watch.process.pid = pid;
  watch.start_ns = at * kSecondNs;
  watch.length_ns = 10 * kSecondNs;
  watch.misses_watched = true;
  watch.pools = std::move(pools);
  return watch;
}
inline model::PoolWatchSums watched(const std::string& name, std::uint64_t misses, std::uint64_t thrown_away = 0) {
  return {identity(name), misses, thrown_away};
}

inline std::vector<model::PoolSummary> summarize_busy(const std::vector<model::PoolBurstRecord>& bursts,
                                                      const std::vector<model::PoolWatchRecord>& watches = {},
                                                      double cpu_per_second = 1) {
  return summarize_pools(bursts, watches, TargetTotals{cpu_per_second, std::nullopt});
}
inline model::PoolSummary only_pool(const std::vector<model::PoolBurstRecord>& bursts,
                                    const std::vector<model::PoolWatchRecord>& watches = {}) {
  const auto pools = summarize_busy(bursts, watches);
  EXPECT_EQ(pools.size(), 1u);
  return pools.empty() ? model::PoolSummary{} : pools.front();
}
inline std::vector<std::string> names(const std::vector<model::PoolSummary>& pools) {
  std::vector<std::string> result;
  result.reserve(pools.size());
  for (const auto& each : pools) result.push_back(each.name);
  return result;
}

}  // namespace poolscope::estimate::testing
