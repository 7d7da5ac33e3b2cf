#pragma once
// What a get or a put takes from the target, found out on a child as in calibration.h: malloc is taken for a get of a pool, free for a
// put, and the price is half of what a pair takes more with both probed.
//   Left out  reading length and capacity of the object at a put, which Go pools do: it depends on the object.
//   Threads   forks; the child uses nothing of the parent but its memory allocator.
//   Cost      some 50 ms.

#include <cstdint>

#include "poolscope/result.h"
#include "probes/attach/attach_error.h"
#include "probes/attach/detacher.h"
#include "probes/collectors/pool_programs.h"

namespace poolscope::probes {

[[nodiscard]] Result<std::uint64_t, attach::AttachError> calibrate_pool_hit_ns(PoolPrograms& programs,
                                                                               attach::Detacher& detacher);

}  // namespace poolscope::probes
