#pragma once
// CpuClock: CPU time of one process in a burst, exact to some 0.05 ms at each reading.
//
// Where the kernel can walk the threads of a process for us (Linux 6.1, CONFIG_FAIR_GROUP_SCHED) a BPF program adds up their times. That disturbs
// nobody: a thread that runs is not interrupted, and nothing is switched on in the target. It leaves out what a hypervisor took from the CPU
// meanwhile, as the CPU time of the whole target does, to which windows are put in relation: on a busy host the time of perf counters
// (process::TaskClock), which take its place elsewhere, is a quarter too long.
//   Order     take differences of readings. enable() and disable() matter to TaskClock alone.
//   Threads   one at a time. Cost: 0.05 ms for us, and more with hundreds of threads.
//   Gone      a process that ended has what it had at the last reading.

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include <sys/types.h>

#include "poolscope/result.h"
#include "poolscope/unique_fd.h"
#include "probes/attach/attach_error.h"
#include "probes/process/task_clock.h"

struct cpu_time;  // the skeleton

namespace poolscope::probes {

// The BPF program, loaded once.
class CpuTimeProgram {
 public:
  [[nodiscard]] static Result<std::unique_ptr<CpuTimeProgram>, attach::AttachError> start();
  ~CpuTimeProgram();
  CpuTimeProgram(const CpuTimeProgram&) = delete;
  CpuTimeProgram& operator=(const CpuTimeProgram&) = delete;

  // The walk over the threads of a process; it outlives the program. Empty when the kernel cannot do it.
  [[nodiscard]] UniqueFd walk_of(pid_t pid) const;

 private:
  CpuTimeProgram() = default;
  cpu_time* skeleton_ = nullptr;
};

class CpuClock {
 public:
  // `program`: nullptr where it could not be loaded.
  [[nodiscard]] static Result<CpuClock, process::TaskClockError> open(const CpuTimeProgram* program, pid_t pid);

  [[nodiscard]] Result<Done, process::TaskClockError> enable();
  [[nodiscard]] Result<Done, process::TaskClockError> disable();
  [[nodiscard]] Result<std::uint64_t, process::TaskClockError> read_ns() const;

 private:
  struct Walk {
    UniqueFd link;
    mutable std::uint64_t last_ns = 0;
  };
  explicit CpuClock(std::variant<Walk, process::TaskClock> clock) : clock_(std::move(clock)) {}

  std::variant<Walk, process::TaskClock> clock_;
};

}  // namespace poolscope::probes
