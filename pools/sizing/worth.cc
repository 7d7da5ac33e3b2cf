#include "pools/sizing/worth.h"

namespace poolscope::sizing {

double pool_saving_ns(const PoolUseCost& use, const Prices& prices, double hit_ratio) {
  return use.gets_per_second * (hit_ratio * use.direct_ns - use.pool_ns) - use.idle_bytes * prices.byte_second_ns();
}

Interval pool_saving_ns(const PoolUseCost& use, const Prices& prices, const Interval& hit_ratio) {
  return {pool_saving_ns(use, prices, hit_ratio.value), pool_saving_ns(use, prices, hit_ratio.low),
          pool_saving_ns(use, prices, hit_ratio.high)};
}

double break_even_hit_ratio(const PoolUseCost& use, const Prices& prices) {
  if (use.gets_per_second <= 0 || use.direct_ns <= 0) return 1;
  const double memory = use.idle_bytes * prices.byte_second_ns() / use.gets_per_second;
  return (use.pool_ns + memory) / use.direct_ns;
}

}  // namespace poolscope::sizing
