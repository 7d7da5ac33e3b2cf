#pragma once
// Follower: the ptrace part of Launcher (launcher.h says what it does and what it asks of its caller).
//   Why SIGCHLD  a ptrace stop shows in waitpid() only, which takes no timeout. The handler writes to an eventfd, which
//                does. It may run in any thread, and other children only cause a look too many.
//   Seized       with PTRACE_SEIZE and without EXITKILL: no SIGSTOP is ever seen by the program, group stops stay group
//                stops (PTRACE_LISTEN), and the kernel lets everybody go when we die.

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include <signal.h>
#include <sys/types.h>

#include "poolscope/result.h"
#include "poolscope/unique_fd.h"
#include "probes/process/launcher.h"

namespace poolscope::process {

[[nodiscard]] int exit_code_of_status(int wait_status);

class Follower {
 public:
  // Fails with EBUSY when another one exists, ENOSYS when the kernel has no kcmp().
  [[nodiscard]] static Result<std::unique_ptr<Follower>, int> create();
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // Seizes a child of this thread; 0 or the errno.
  [[nodiscard]] int seize(pid_t pid);
  // Handles the stops that wait for it, up to the first that the caller must know of.
  void handle_stops();
  // Readable when handle_stops() may have something to do; clear_wakeup() before calling it.
  [[nodiscard]] int wakeup_fd() const noexcept;
  void clear_wakeup() const;

  [[nodiscard]] FollowEvent next_event(std::chrono::milliseconds timeout);
  void resume(pid_t pid);

 private:
  struct Task {
    pid_t process = 0;
    bool held = false;  // stopped until resume()
  };
  struct EntryTrap {
    std::uint64_t entry = 0;
    long original_word = 0;  // at entry rounded down to a word
  };

  Follower() = default;
  void check_thread() const;
  [[nodiscard]] std::optional<FollowEvent> take_event();
  void handle_status(pid_t task, int status);
  void handle_end(pid_t task, int status);
  void handle_stop(pid_t task, int status);
  void handle_new_task(pid_t task);
  void handle_fork(pid_t task);
  void expect_child_of(pid_t task);
  void handle_exec(pid_t process);
  void handle_signal(pid_t task, int signal);
  void hold(pid_t task, FollowEvent event);
  [[nodiscard]] bool is_at_entry_trap(pid_t task) const;
  [[nodiscard]] bool plant_entry_trap(pid_t process);
  void let_go_of_all();
  void let_go(pid_t task, int status);

  pid_t thread_ = 0;
  std::map<pid_t, Task> tasks_;       // by thread id
  std::map<pid_t, EntryTrap> traps_;  // by process: int3 in memory, entry not reached
  std::set<pid_t> unseen_;            // new tasks whose first stop has not been handled
  bool is_nobody_left_ = false;       // as waitpid() says
  std::deque<FollowEvent> events_;
  bool letting_go_ = false;
  struct sigaction old_sigchld_ {};
};

}  // namespace poolscope::process
