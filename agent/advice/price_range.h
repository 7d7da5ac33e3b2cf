#pragma once
// PriceRange: what allocating costs in one target, by the prices of this machine (sizing::Prices) and what the snapshot says of the target.
//   Samples   The prices are those of a loop in the agent: one size again and again, everything in the caches, glibc. Samples of the target's CPU time
//             (TargetSnapshot::cpu_share) know what it pays, and both their interval and that of the rate are in the range (one place may be
//             another than the mean: half to twice is taken, of pages too):
//               allocations  times what the samples found in the allocator, over what the prices say of the allocations per second;
//               pages        what they found in page faults, over the faults per second;
//               copies       no cheaper than in the loop, no dearer than all time spent copying is for the bytes that growing copies, nor than
//                            allocations are, for the same reasons.
//             A service that wakes up for each request paid 4.7 times the price, one that keeps no large block 10 times.
//   Pages     Of the pages that blocks take when they are allocated, some come from the kernel, each of which is a page fault: by the faults of the target
//             and the pages that it allocates. What is not known, or too little to tell, is all between none and all.
//   Absent    without samples, or a rate with an interval: the prices as they are.
//   Threads   pure functions.

#include "exporters/model/snapshot.h"
#include "pools/sizing/prices.h"

namespace poolscope::advice {

struct PriceRange {
  sizing::Prices low, high;  // with as few and with as many fresh pages as there may be
};

// `warm`: of this machine.
[[nodiscard]] PriceRange price_range(const model::TargetSnapshot& target, const sizing::Prices& warm);
// Of the objects that the pool misses: no more of their pages are fresh than there are faults.
[[nodiscard]] PriceRange price_range(const model::TargetSnapshot& target, const model::PoolSummary& pool,
                                     const sizing::Prices& warm);

}  // namespace poolscope::advice
