#pragma once
// What a get or a put takes from the target, found out on a child as in calibration.h: malloc is taken for a get of a pool, free for a
// put, and the price is half of what a pair takes more with both probed.
//   In order  the same with every event written to the ring, too: what that takes more.
//   Left out  reading length and capacity of the object at a put, which Go pools do: it depends on the object.
//   Threads   forks; the child uses nothing of the parent but its memory allocator.
//   Cost      some 50 ms.

#include <cstdint>

#include "poolscope/result.h"
#include "probes/attach/attach_error.h"
#include "probes/attach/detacher.h"
#include "probes/collectors/pool_programs.h"

namespace poolscope::probes {

struct PoolHitPrices {
  std::uint64_t hit_ns = 0;
  std::uint64_t order_extra_ns = 0;
};
[[nodiscard]] Result<PoolHitPrices, attach::AttachError> calibrate_pool_hits(PoolPrograms& programs,
                                                                             attach::Detacher& detacher);

}  // namespace poolscope::probes
