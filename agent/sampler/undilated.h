#pragma once
// Rates of a window per CPU second that the target itself used: without what its probes took.
//   Idle  a window in which the target hardly ran says how often it works, not how hot it is when it does: bursts planned by it would
//         meet the next busy moment with the limits of a quiet one, hurt it, and be cut short by their hit limit.

#include <algorithm>
#include <cstdint>

#include "exporters/model/record.h"

namespace poolscope::sampler {

inline constexpr double kLeastOwnShare = 0.25, kLeastSaturatedShare = 0.02;

// `price_factor`: what a hit takes here, over what calibration said. At least `least_own_share` of the CPU time is the target's: a charge near
// the whole of it says that the price is off, not that the rate is infinite.
[[nodiscard]] inline double per_undilated_second(std::uint64_t count, const model::Window& window, double price_factor,
                                                 double least_own_share = kLeastOwnShare) {
  const double cpu_ns = static_cast<double>(window.cpu_ns);
  const double charge_ns = price_factor * static_cast<double>(window.charge_ns);
  const double own_ns = std::max(cpu_ns - charge_ns, least_own_share * cpu_ns);
  return own_ns <= 0 ? 0 : static_cast<double>(count) / own_ns * 1e9;
}

// One window that probes took nearly the whole of may be mispriced. When kSureWindows in a row left the target less than kLeastOwnShare it is
// as hot as it looks. Windows in which it mostly paused, or waited for a CPU, say nothing. Nor do those of a process that mostly waits between
// bursts: probes make its pulses long enough to fill a window, and its price is known by what it does outside (price_check.h).
class Saturation {
 public:
  static constexpr unsigned kSureWindows = 3;

  // The least share that is the target's own, for per_undilated_second() of this window, the latest. `cpu_per_second`: what the process used
  // lately.
  [[nodiscard]] double note(const model::Window& window, double price_factor, double cpu_per_second) {
    if (cpu_per_second < kMostlyRuns) return kLeastOwnShare;
    const double cpu_ns = static_cast<double>(window.cpu_ns), length_ns = static_cast<double>(window.length_ns);
    const double charge_ns = price_factor * static_cast<double>(window.charge_ns);
    if (cpu_ns >= kMostlyRuns * length_ns) in_a_row_ = charge_ns >= (1 - kLeastOwnShare) * cpu_ns ? in_a_row_ + 1 : 0;
    return in_a_row_ >= kSureWindows ? kLeastSaturatedShare : kLeastOwnShare;
  }

 private:
  static constexpr double kMostlyRuns = 0.5;
  unsigned in_a_row_ = 0;
};

inline constexpr std::uint64_t kLeastTellingCpuNs = 20'000;
[[nodiscard]] inline bool tells_rate(const model::Window& window) {
  return window.cpu_ns >= kLeastTellingCpuNs;
}

}  // namespace poolscope::sampler
