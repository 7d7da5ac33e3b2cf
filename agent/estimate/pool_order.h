#pragma once
// What events in order tell of a pool: its miss curve and what its users did wrong.
//   Curve     a cap has a miss ratio when at least kMetShare of the gets, and kLeastMetGets of them, came after the moment from
//             which it does not matter what was idle at the start (pools/sizing/miss_curve.h); it is counted over these gets. Every cap
//             has a bracket over all gets. Caps above the first one that misses nothing, whatever was idle at the start, are left out.
//   Least     of a hundred gets without a miss the true ratio may still be 3 % (the rule of three); of fewer, a ratio says nothing
//             that a decision on a pool could rest on.
//   Never put of the objects that came back, 99.9 % took no longer than T. Of the gets that were watched for longer than T, how
//             many objects were still out? In a program that puts everything back it is one in a thousand, or objects that
//             are meant to stay out for longer than a burst sees. Absent below kLeastHolds objects that came back: then
//             there is no T.

#include <cstdint>
#include <optional>

#include "exporters/model/pool_record.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

inline constexpr double kMetShare = 0.5;
inline constexpr std::uint64_t kLeastMetGets = 100;
inline constexpr double kUsualHoldShare = 0.999;
inline constexpr double kLeastHolds = 1000;

void set_miss_curve(model::PoolSummary& summary, const model::PoolOrderSums& order);
// `hold_ns`: of all objects that came back.
void set_never_put(model::PoolUse& use, const model::PoolOrderSums& order, const model::Histogram& hold_ns);

}  // namespace poolscope::estimate
