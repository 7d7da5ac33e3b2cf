#include "probes/process/task_clock.h"

#include <algorithm>
#include <cerrno>

#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "probes/process/process.h"

namespace poolscope::process {
namespace {

using Reason = TaskClockError::Reason;

constexpr int kOpenTries = 5;

int open_counter(pid_t thread) {
  perf_event_attr attr{};
  attr.size = sizeof(attr);
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_TASK_CLOCK;
  attr.disabled = 1;
  attr.inherit = 1;
  attr.inherit_thread = 1;
  // A software clock counts kernel time all the same, and asking for less lets perf_event_paranoid 2 pass.
  attr.exclude_kernel = 1;
  attr.exclude_hv = 1;
  return static_cast<int>(::syscall(SYS_perf_event_open, &attr, thread, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

TaskClockError no_such_process(pid_t pid) {
  return {Reason::kNoSuchProcess, pid, "it ended before its CPU time could be counted", ESRCH};
}

TaskClockError open_error(pid_t pid, int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return {Reason::kNotPermitted, pid,
              "counting its CPU time needs CAP_PERFMON, or the same user and kernel.perf_event_paranoid of 2 "
              "or less",
              error};
    case EMFILE:
    case ENFILE:
      return {Reason::kTooManyFiles, pid,
              "one file descriptor per thread is needed; raise the limit of open files (ulimit -n, LimitNOFILE=)",
              error};
    default:
      return {Reason::kSystem, pid, "perf_event_open of a task clock failed", error};
  }
}

}  // namespace

std::string describe(const TaskClockError& error) {
  std::string text = "cannot count the CPU time of process " + std::to_string(error.pid) + ": " + error.detail;
  const char* name = error.sys_errno != 0 ? ::strerrorname_np(error.sys_errno) : nullptr;
  return name != nullptr ? text + " (" + name + ")" : text;
}

Result<TaskClock, TaskClockError> TaskClock::open(pid_t pid) {
  TaskClock clock(pid);
  for (int tries = 0; tries < kOpenTries; ++tries) {
    if (auto opened = clock.open_counters(); !opened) return Failure{opened.error()};
    if (clock.unsettled_threads_ == 0) break;
  }
  return clock;
}

// A thread that appears meanwhile has inherited a counter or not, depending on which thread started it.
// Counting it twice or never would both be wrong, so all of it is done again while that happens.
Result<Done, TaskClockError> TaskClock::open_counters() {
  counters_.clear();
  const std::vector<pid_t> threads = list_threads(pid_);
  if (threads.size() > kMaxThreads) {
    return Failure{TaskClockError{Reason::kTooManyThreads, pid_,
                                  "it has " + std::to_string(threads.size()) + " threads, and at most " +
                                      std::to_string(kMaxThreads) + " can be counted",
                                  0}};
  }
  for (const pid_t thread : threads) {
    UniqueFd counter(open_counter(thread));
    if (!counter && errno == ESRCH) continue;  // ended since it was listed
    if (!counter) return Failure{open_error(pid_, errno)};
    counters_.push_back(std::move(counter));
  }
  if (counters_.empty()) return Failure{no_such_process(pid_)};
  const std::vector<pid_t> now = list_threads(pid_);
  unsettled_threads_ = static_cast<std::size_t>(std::count_if(now.begin(), now.end(), [&](pid_t thread) {
    return !std::binary_search(threads.begin(), threads.end(), thread);
  }));
  return Done{};
}

Result<Done, TaskClockError> TaskClock::control(unsigned long request, const char* what) {
  for (const UniqueFd& counter : counters_) {
    if (::ioctl(counter.get(), request, 0) != 0) {
      return Failure{TaskClockError{Reason::kSystem, pid_, std::string("cannot ") + what + " a task clock", errno}};
    }
  }
  return Done{};
}

Result<Done, TaskClockError> TaskClock::enable() {
  return control(PERF_EVENT_IOC_ENABLE, "enable");
}

Result<Done, TaskClockError> TaskClock::disable() {
  return control(PERF_EVENT_IOC_DISABLE, "disable");
}

Result<std::uint64_t, TaskClockError> TaskClock::read_ns() const {
  std::uint64_t sum_ns = 0;
  for (const UniqueFd& counter : counters_) {
    std::uint64_t value_ns = 0;
    if (::read(counter.get(), &value_ns, sizeof(value_ns)) != static_cast<ssize_t>(sizeof(value_ns))) {
      return Failure{TaskClockError{Reason::kSystem, pid_, "cannot read a task clock", errno}};
    }
    sum_ns += value_ns;
  }
  return sum_ns;
}

}  // namespace poolscope::process
