#pragma once
// TaskClock: CPU time of one process, exact enough for a burst of a millisecond.
//   What      one perf software counter (PERF_COUNT_SW_TASK_CLOCK) per thread; read_ns() is their sum, user and kernel time.
//   Exact     at each read, also for threads that are running at that moment: the kernel asks their CPU. Nothing is rounded
//             to ticks, as /proc/PID/stat and schedstat are.
//   Threads   of the target that start while it is open are counted from their first instruction, those that end keep
//             counting with what they used; child processes are not counted.
//   Order     created disabled; only time between enable() and disable() counts. Repeated bursts add up: take differences.
//   Cost      for the target: a few hundred ns per context switch while enabled. For us: a file descriptor per thread, and
//             one system call per thread in each of enable(), disable() and read_ns().
//   Callers   one thread at a time.
//   Rights    those of ptrace on the target (CAP_PERFMON or the same user); kernel.perf_event_paranoid 3 and more asks for
//             CAP_PERFMON always.
//   Gone      read_ns() of a process that ended gives what it had used while enabled.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "poolscope/result.h"
#include "poolscope/unique_fd.h"

namespace poolscope::process {

struct TaskClockError {
  enum class Reason { kNoSuchProcess, kNotPermitted, kTooManyThreads, kTooManyFiles, kSystem };
  Reason reason;
  pid_t pid = 0;
  std::string detail;  // for a person; names the way out
  int sys_errno = 0;
};
[[nodiscard]] std::string describe(const TaskClockError& error);

class TaskClock {
 public:
  static constexpr std::size_t kMaxThreads = 4096;

  [[nodiscard]] static Result<TaskClock, TaskClockError> open(pid_t pid);

  [[nodiscard]] Result<Done, TaskClockError> enable();
  [[nodiscard]] Result<Done, TaskClockError> disable();
  [[nodiscard]] Result<std::uint64_t, TaskClockError> read_ns() const;

  // Threads that appeared while the counters were being opened, each of which may or may not have inherited
  // one. 0 unless the target starts threads faster than open() could try again: then the sum may lack these.
  [[nodiscard]] std::size_t unsettled_threads() const noexcept { return unsettled_threads_; }

 private:
  explicit TaskClock(pid_t pid) : pid_(pid) {}
  [[nodiscard]] Result<Done, TaskClockError> open_counters();
  [[nodiscard]] Result<Done, TaskClockError> control(unsigned long request, const char* what);

  pid_t pid_;
  std::vector<UniqueFd> counters_;
  std::size_t unsettled_threads_ = 0;
};

}  // namespace poolscope::process
