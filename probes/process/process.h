#pragma once
// What /proc knows about one process. Everything is read at the call and may be stale at once: each function says what
// it returns when the process is gone, and none blocks.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "exporters/model/record.h"
#include "poolscope/result.h"

namespace poolscope::process {

using model::ProcessKey;

struct ProcessError {
  enum class Reason { kNoSuchProcess, kKernelThread, kZombie, kForeignArchitecture, kNotPermitted, kSystem };
  Reason reason;
  pid_t pid = 0;
  std::string detail;  // for a person; names the way out
  int sys_errno = 0;
};
[[nodiscard]] std::string describe(const ProcessError& error);
// snake_case, the `reason` label of metrics: "no_such_process", ...
[[nodiscard]] std::string reason_label(ProcessError::Reason reason);

enum class SeccompMode { kNone, kStrict, kFilter };

struct ProcessStatus {
  ProcessKey key;
  pid_t parent_pid = 0;
  std::string command;                    // comm, at most 15 bytes
  std::string executable;                 // target of /proc/PID/exe without " (deleted)"; empty when unreadable
  std::vector<std::string> command_line;  // empty for kernel threads
  char state = '?';                       // as in /proc/PID/stat
  SeccompMode seccomp = SeccompMode::kNone;
  unsigned threads = 0;
  std::uint64_t start_time_unix_ns = 0;
};

// Status of `pid`, or why it cannot be had. Kernel threads and zombies give a status; check_observable() refuses them.
[[nodiscard]] Result<ProcessStatus, ProcessError> read_status(pid_t pid);
// As read_status(), and fails for a kernel thread, a zombie, and a program that is not 64-bit x86.
[[nodiscard]] Result<ProcessStatus, ProcessError> check_observable(pid_t pid);
// True while the same process (pid and start time) lives and is no zombie.
[[nodiscard]] bool is_alive(const ProcessKey& key);
// All pids of /proc, ascending.
[[nodiscard]] std::vector<pid_t> list_pids();
// Thread ids; empty when the process is gone.
[[nodiscard]] std::vector<pid_t> list_threads(pid_t pid);

// User plus system CPU time of the whole process, dead threads included; absent when it is gone. A thread that runs is counted up
// to the last tick of the scheduler (some milliseconds): for long ranges only, a TaskClock is exact for short ones.
[[nodiscard]] std::optional<std::uint64_t> cpu_time_ns(pid_t pid);

// What nearly always differs when the maps of a process do, and takes much less to read: mapping and unmapping change the size, an
// exec() draws the addresses anew. Absent when it is gone.
struct AddressSpace {
  std::uint64_t bytes = 0, start_code = 0, start_stack = 0;
  bool operator==(const AddressSpace&) const = default;
};
[[nodiscard]] std::optional<AddressSpace> address_space(pid_t pid);
// Who goes by it reads the maps every so many looks all the same: one mapping may have taken the place of another.
inline constexpr unsigned kReadMapsEvery = 16;

// CPU time of all children that ended and for which the process waited, theirs included, in ticks of 10 ms; absent when it is gone.
[[nodiscard]] std::optional<std::uint64_t> waited_cpu_ns(pid_t pid);

// Pages that the kernel has given it so far: its minor page faults. Absent when it is gone, and where huge pages are always on: then one fault
// may bring 512 pages, and nobody counts them.
[[nodiscard]] std::optional<std::uint64_t> fresh_pages(pid_t pid);

// What the process has done so far. io_calls: syscr + syscw of /proc/PID/io, dead threads included, needs the rights of
// ptrace. waits: of the threads that live, absent above kMaxWaitThreads of them (a file is read for each) and where bytes are
// counted. allocated_bytes: the 64-bit word at that address of the process; 0: it keeps none.
inline constexpr std::size_t kMaxWaitThreads = 16;
[[nodiscard]] model::Work work_of(pid_t pid, std::uint64_t allocated_bytes_address = 0);
// How often a thread has waited so far (voluntary context switches); absent when it is gone.
[[nodiscard]] std::optional<std::uint64_t> waits_of_thread(pid_t pid, pid_t thread);
// What was done between two readings; a counter that went down (a thread ended) is absent.
[[nodiscard]] model::Work work_between(const model::Work& before, const model::Work& after);

}  // namespace poolscope::process
