#pragma once
// Whether a pool is worth its cost, for one that exists or for a place in the code that has none.
//
//   Without   each use allocates a buffer, makes it ready (initialise, grow to what is needed) and frees it: direct_ns.
//   With      a get and a put: pool_ns (reset included); misses cost direct_ns on top; idle memory has its price:
//             saving per second = gets x (hit_ratio x direct_ns - pool_ns) - idle_bytes x price of holding.
//   Break even  the hit ratio at which the saving is 0: (pool_ns + price of the memory per get) / direct_ns. Above 1: it never pays.
//   Threads   pure functions.

#include "pools/sizing/capacity.h"

namespace poolscope::sizing {

struct PoolUseCost {
  double gets_per_second = 0;
  double direct_ns = 0;
  double pool_ns = 0;
  double idle_bytes = 0;
};

[[nodiscard]] double pool_saving_ns(const PoolUseCost& use, const Prices& prices, double hit_ratio);
// At both ends of the hit ratio.
[[nodiscard]] Interval pool_saving_ns(const PoolUseCost& use, const Prices& prices, const Interval& hit_ratio);
// Without gets or a price of allocating: 1, nothing pays.
[[nodiscard]] double break_even_hit_ratio(const PoolUseCost& use, const Prices& prices);

}  // namespace poolscope::sizing
