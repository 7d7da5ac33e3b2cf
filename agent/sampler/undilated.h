#pragma once
// Rates of a window per CPU second that the target itself used: without what its probes took.
//   Idle  a window in which the target hardly ran says how often it works, not how hot it is when it does: bursts planned by it would
//         meet the next busy moment with the limits of a quiet one, hurt it, and be cut short by their hit limit.

#include <algorithm>
#include <cstdint>

#include "exporters/model/record.h"

namespace poolscope::sampler {

// `price_factor`: what a hit takes here, over what calibration said. At least a quarter of the CPU time is the target's: a charge near
// the whole of it says that the price is off, not that the rate is infinite.
[[nodiscard]] inline double per_undilated_second(std::uint64_t count, const model::Window& window,
                                                 double price_factor) {
  const double cpu_ns = static_cast<double>(window.cpu_ns);
  const double own_ns = std::max(cpu_ns - price_factor * static_cast<double>(window.charge_ns), cpu_ns / 4);
  return own_ns <= 0 ? 0 : static_cast<double>(count) / own_ns * 1e9;
}

inline constexpr std::uint64_t kLeastTellingCpuNs = 20'000;
[[nodiscard]] inline bool tells_rate(const model::Window& window) {
  return window.cpu_ns >= kLeastTellingCpuNs;
}

}  // namespace poolscope::sampler
