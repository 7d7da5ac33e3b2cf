#pragma once
// What every burst shares: reading the clocks of a window, and being on time.

#include <cstdint>

#include <sys/types.h>

#include "exporters/model/record.h"
#include "probes/collectors/cpu_clock.h"
#include "probes/process/prompt_section.h"

namespace poolscope::probes {

using process::PromptSection;

// Traps of links that the detacher has are gone after 0.2 ms: it is as prompt as a burst is.
inline constexpr std::uint64_t kSettleNs = 300'000;

// A moment of a burst. Probes are armed before the clocks are read and disarmed before they are read again, so every clock
// sees as much time as the probes count in.
struct ClockReading {
  std::uint64_t time_ns = 0;
  std::uint64_t cpu_ns = 0;
  model::Work work;
};
// `allocated_bytes_address`: as work_of() takes it.
[[nodiscard]] ClockReading read_clocks(pid_t pid, const CpuClock& clock, std::uint64_t allocated_bytes_address = 0);

// The window between two readings; `part` of what the target did in it was counted, up to `end_ns`.
[[nodiscard]] model::Window window_between(const ClockReading& begin, const ClockReading& end, std::uint64_t end_ns,
                                           double part);

}  // namespace poolscope::probes
