#pragma once
// When every event was traced there is nothing to estimate: the counts are the answer, and rates are counts over the wall
// time in which they were taken.

#include <cstdint>
#include <span>

#include "exporters/model/pool_record.h"
#include "exporters/model/record.h"

namespace poolscope::estimate {

struct CountedWindow;

// True when there are records and each traced every event.
[[nodiscard]] bool all_exact(std::span<const model::BurstRecord> records);
[[nodiscard]] bool all_exact(std::span<const model::PoolBurstRecord> records);
// Wall time covered by at least one window: two processes traced at the same time are one second per second.
[[nodiscard]] std::uint64_t union_ns(std::span<const CountedWindow> windows);

}  // namespace poolscope::estimate
