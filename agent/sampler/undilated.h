#pragma once
// What a target did in a window, without what its probes took.

#include <algorithm>
#include <cstdint>

#include "exporters/model/record.h"

namespace poolscope::sampler {

// At least a quarter: a charge near the whole CPU time says that the price is off, not that the rate is infinite.
[[nodiscard]] inline std::uint64_t undilated_ns(const model::Window& window) {
  return std::max(window.cpu_ns - std::min(window.cpu_ns, window.charge_ns), window.cpu_ns / 4);
}

[[nodiscard]] inline double per_second(std::uint64_t count, std::uint64_t ns) {
  return ns == 0 ? 0 : static_cast<double>(count) / (static_cast<double>(ns) * 1e-9);
}

}  // namespace poolscope::sampler
