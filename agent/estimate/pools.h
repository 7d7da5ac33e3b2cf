#pragma once
// Pool records of one target -> what we say about each pool, busiest first. Pools of several processes that have the same name
// are one pool.
//   Rates      as those of allocations (rate.h, relation.h), from the windows of all bursts, charged by `price`; a pool that a window
//              did not see had no events in it.
//   Windows    that are much shorter than the usual ones are left out (pool_merge.h).
//   Hit ratio  1 - misses / gets, by whichever has the narrower interval: misses and gets of the same windows, or misses per second
//              as the watch counted them over gets per second as bursts estimate them. Without intervals: the windows.
//   Growth     regrowths per put where objects are followed, times puts per second.
//   Misses     per second where they are watched: the count over the watched time, exact, `low` and `high` equal it.
//   Sizes      each window counts with its weight in the rate. Lengths are "reset_before_put" when more than kMostEmptyPuts of the
//              puts have length 0: the code resets before it puts, and what it needed is not known.
//   Idle       objects as last read of each process that is `running`, of all when none is; their bytes from the capacity of those looked at.
//   Exact      when every burst record is: counts, and counts over time.

#include <span>
#include <vector>

#include "agent/estimate/price_check.h"
#include "agent/estimate/relation.h"
#include "exporters/model/pool_record.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

inline constexpr double kMostEmptyPuts = 0.05;

[[nodiscard]] std::vector<model::PoolSummary> summarize_pools(std::span<const model::PoolBurstRecord> bursts,
                                                              std::span<const model::PoolWatchRecord> watches,
                                                              const TargetTotals& totals,
                                                              std::span<const model::ProcessKey> running = {},
                                                              const PriceCheck& price = {});

}  // namespace poolscope::estimate
