#include "probes/collectors/burst_clock.h"

#include <algorithm>
#include <cmath>

#include "probes/process/monotonic_clock.h"
#include "probes/process/process.h"

namespace poolscope::probes {

ClockReading read_clocks(pid_t pid, const CpuClock& clock, std::uint64_t allocated_bytes_address) {
  ClockReading reading;
  reading.time_ns = process::monotonic_ns();
  const auto cpu = clock.read_ns();
  reading.cpu_ns = cpu ? *cpu : 0;
  reading.work = process::work_of(pid, allocated_bytes_address);
  return reading;
}

model::Window window_between(const ClockReading& begin, const ClockReading& end, std::uint64_t end_ns, double part) {
  const auto cut = [part](std::uint64_t whole) {
    return static_cast<std::uint64_t>(std::llround(static_cast<double>(whole) * part));
  };
  model::Window window;
  window.start_ns = begin.time_ns;
  window.length_ns = std::clamp(end_ns, begin.time_ns, end.time_ns) - begin.time_ns;
  window.cpu_ns = cut(end.cpu_ns - begin.cpu_ns);
  window.work = process::work_between(begin.work, end.work);
  for (auto* work : {&window.work.io_calls, &window.work.waits, &window.work.allocated_bytes}) {
    if (*work) *work = cut(**work);
  }
  return window;
}

}  // namespace poolscope::probes
