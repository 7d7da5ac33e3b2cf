#pragma once
// What every burst shares: reading the clocks of a window, and being on time.

#include <cstdint>

#include <sys/types.h>

#include "exporters/model/record.h"
#include "probes/process/task_clock.h"

namespace poolscope::probes {

// On a busy machine a thread that has slept waits for a CPU, and the window would end milliseconds after its counts were
// read. While a window is open ours goes first; it sleeps most of that time. Without the right (CAP_SYS_NICE) windows are
// a little less sharp.
class PromptSection {
 public:
  PromptSection();
  ~PromptSection() { leave(); }
  PromptSection(const PromptSection&) = delete;
  PromptSection& operator=(const PromptSection&) = delete;
  void leave();

 private:
  bool entered_ = false;
};

// A moment of a burst. Probes are armed before the clocks are read and disarmed before they are read again, so every clock
// sees as much time as the probes count in.
struct ClockReading {
  std::uint64_t time_ns = 0;
  std::uint64_t cpu_ns = 0;
  model::Work work;
};
[[nodiscard]] ClockReading read_clocks(pid_t pid, const process::TaskClock& clock);

// The window between two readings; `part` of what the target did in it was counted, up to `end_ns`.
[[nodiscard]] model::Window window_between(const ClockReading& begin, const ClockReading& end, std::uint64_t end_ns,
                                           double part);

}  // namespace poolscope::probes
