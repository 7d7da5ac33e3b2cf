#pragma once
// Launcher: starts a program for `poolscope run`, and for exact tracing stops it at the moments where probes must be placed.
//   The program gets argv, environment, working directory, standard streams, process group and the signal dispositions
//             and mask that poolscope itself was started with. When poolscope dies, the program goes on.
//   kPlain    nothing but fork and exec. wait() collects the exit code.
//   kFollow   the program and all its descendants are seized with ptrace, but only stopped
//             (a) after each exec, when the program reaches its entry point (AT_ENTRY): everything in DT_NEEDED and
//                 LD_PRELOAD is mapped then, and only constructors of libraries have run;
//             (b) before the first instruction of each forked child.
//             Signals, job control and exit statuses pass through unchanged.
//   Entry     is caught by an int3 that is written while the program is stopped after exec and taken out when it is reached
//             or when we let go. Constructors of libraries run in between: a child they fork is rid of its copy of the
//             int3 before it runs. The page of the entry point stays a private copy (4 KiB). If poolscope is killed
//             between exec and entry (milliseconds), that program dies of SIGTRAP; at any other time it notices nothing.
//   Threads   kFollow: every call comes from the thread that called start(), which must have no other child processes
//             (they would be collected here); others abort the program. One following launcher at a time: it owns SIGCHLD.
//             kPlain: one thread at a time. In both modes no other thread may fork without exec during start(): its child
//             would hold the pipe open that tells of the exec, and start() would return when that child ends.
//   Promptly  kFollow: between next_event() calls, signals, forks, execs and new threads of the followed processes wait.
//   Differs   from life without ptrace (kFollow): a setuid or file-capability program started by a user without
//             CAP_SYS_PTRACE runs without these rights; debuggers and strace cannot attach, and LeakSanitizer gives up;
//             `ld.so PROGRAM` is caught at the entry of ld.so, when only that is mapped.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "poolscope/result.h"
#include "poolscope/unique_fd.h"

namespace poolscope::process {

class Follower;

struct LaunchError {
  enum class Reason { kNotFound, kNotExecutable, kNotPermitted, kBusy, kSystem };
  Reason reason;
  std::string command;
  std::string detail;  // for a person; names the way out
  int sys_errno = 0;
};
[[nodiscard]] std::string describe(const LaunchError& error);
// What a shell would exit with: 127 not found, 126 found but not executable; 1 when it is no fault of the command.
[[nodiscard]] int exit_code(const LaunchError& error);

struct FollowEvent {
  enum class Kind {
    kReadyAfterExec,  // pid is stopped at its entry point until resume()
    kForked,          // pid, a child of parent_pid, is stopped before its first instruction until resume()
    kExited,          // pid has ended with exit_code
    kTimeout,         // nothing happened in time
    kAllExited        // no process is left to follow
  };
  Kind kind = Kind::kTimeout;
  pid_t pid = 0;
  pid_t parent_pid = 0;
  // kForked: runs in the memory of its parent until it execs (vfork, posix_spawn): probes are in place already.
  bool shares_memory = false;
  // kReadyAfterExec: false when the entry could not be caught (a 32-bit program): stopped right after exec.
  bool at_entry = true;
  int exit_code = 0;  // 128 + signal when a signal ended it
};

class Launcher {
 public:
  enum class Mode { kPlain, kFollow };

  // argv[0] is looked up in PATH, as a shell does. Returns when the exec has succeeded or failed.
  [[nodiscard]] static Result<std::unique_ptr<Launcher>, LaunchError> start(const std::vector<std::string>& argv,
                                                                            Mode mode);
  // Lets go of everything that is followed; the program runs on, and stays a child of ours.
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  // Of the program itself; nothing while it runs (as far as next_event() or wait_for() have seen).
  [[nodiscard]] std::optional<int> exit_code() const noexcept { return exit_code_; }
  // Sends the signal to the program; does nothing once it has ended. A signal from the terminal (Ctrl-C) has reached the
  // program already, as it is in our process group.
  void forward(int signal) const;

  // kPlain: the exit code, 128 + signal when a signal ended the program. wait_for(): nothing when it still runs.
  [[nodiscard]] int wait();
  [[nodiscard]] std::optional<int> wait_for(std::chrono::milliseconds timeout);

  // kFollow: what happened next. A stopped process does nothing until resume().
  [[nodiscard]] FollowEvent next_event(std::chrono::milliseconds timeout);
  // Lets a stopped process go on; does nothing when it has been killed meanwhile.
  void resume(pid_t pid);

 private:
  Launcher() = default;
  [[nodiscard]] Result<Done, LaunchError> launch(const std::vector<std::string>& argv);
  [[nodiscard]] Result<Done, LaunchError> await_exec(int report_fd, const std::string& command);

  pid_t pid_ = -1;
  UniqueFd pidfd_;
  std::optional<int> exit_code_;
  std::unique_ptr<Follower> follower_;  // kFollow only
};

}  // namespace poolscope::process
