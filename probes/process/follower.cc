#include "probes/process/follower.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <elf.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/process/proc_file.h"
#include "probes/process/proc_text.h"

namespace poolscope::process {
namespace {

constexpr unsigned kOptions = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
constexpr std::size_t kMaxSmallFileBytes = 16384;
constexpr auto kLetGoLimit = std::chrono::seconds(1);

// Written by the signal handler. Created once and kept, as a handler may still be running when a Follower goes.
std::atomic<int> g_wakeup_fd{-1};
std::atomic<bool> g_is_following{false};

void on_sigchld(int) {
  const int saved_errno = errno;
  const std::uint64_t one = 1;
  // A full counter (EAGAIN) is as good as a write: it is readable.
  (void)!::write(g_wakeup_fd.load(std::memory_order_relaxed), &one, sizeof(one));
  errno = saved_errno;
}

int open_wakeup_fd() {
  static const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_wakeup_fd.store(fd, std::memory_order_relaxed);
  return fd;
}

bool same_memory(pid_t a, pid_t b) {
  return ::syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0) == 0;
}

void go_on(pid_t task, int signal = 0) {
  // Fails only when the task has been killed meanwhile; its end is reported as such.
  ::ptrace(PTRACE_CONT, task, nullptr, static_cast<long>(signal));
}

std::uint64_t word_of(std::uint64_t address) {
  return address & ~std::uint64_t{sizeof(long) - 1};
}

void* pointer(std::uint64_t address) {
  return reinterpret_cast<void*>(address);
}

int event_of(int status) {
  return status >> 16;
}

bool is_group_stop(int status) {
  return event_of(status) == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
}

std::optional<StatusText> status_of(pid_t task) {
  const auto text = read_proc_file(proc_path(task, "status"), kMaxSmallFileBytes);
  return text ? parse_status(*text) : std::nullopt;
}

}  // namespace

int exit_code_of_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

Result<std::unique_ptr<Follower>, int> Follower::create() {
  if (!same_memory(::getpid(), ::getpid())) return Failure{ENOSYS};
  if (open_wakeup_fd() < 0) return Failure{EMFILE};
  if (g_is_following.exchange(true)) return Failure{EBUSY};
  std::unique_ptr<Follower> follower(new Follower);
  follower->thread_ = ::gettid();
  struct sigaction action {};
  action.sa_handler = on_sigchld;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGCHLD, &action, &follower->old_sigchld_);
  return follower;
}

Follower::~Follower() {
  check_thread();
  let_go_of_all();
  ::sigaction(SIGCHLD, &old_sigchld_, nullptr);
  g_is_following.store(false);
}

void Follower::check_thread() const {
  if (::gettid() != thread_) std::abort();  // ptrace requests of another thread fail one by one, and silently
}

int Follower::seize(pid_t pid) {
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, static_cast<unsigned long>(kOptions)) != 0) return errno;
  tasks_[pid] = Task{pid, false};
  return 0;
}

int Follower::wakeup_fd() const noexcept {
  return g_wakeup_fd.load(std::memory_order_relaxed);
}

void Follower::clear_wakeup() const {
  std::uint64_t count = 0;
  (void)!::read(wakeup_fd(), &count, sizeof(count));
}

// One event at a time: what happens behind it stays stopped, so a program that forks without end cannot fill the queue.
void Follower::handle_stops() {
  int status = 0;
  while (events_.empty() || letting_go_) {
    const pid_t task = ::waitpid(-1, &status, WNOHANG | __WALL | __WNOTHREAD);
    is_nobody_left_ = task < 0 && errno == ECHILD;
    if (task <= 0) return;
    handle_status(task, status);
  }
}

FollowEvent Follower::next_event(std::chrono::milliseconds timeout) {
  check_thread();
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    clear_wakeup();
    handle_stops();
    if (auto event = take_event()) return *event;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return {};
    pollfd wakeup{wakeup_fd(), POLLIN, 0};
    (void)::poll(&wakeup, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
  }
}

std::optional<FollowEvent> Follower::take_event() {
  if (!events_.empty()) {
    const FollowEvent event = events_.front();
    events_.pop_front();
    return event;
  }
  // Not the same as no known task: a child can be on its way to its first stop when its parents have ended.
  if (is_nobody_left_) return FollowEvent{.kind = FollowEvent::Kind::kAllExited};
  return std::nullopt;
}

void Follower::resume(pid_t pid) {
  check_thread();
  for (auto& [id, task] : tasks_) {
    if (task.process == pid && std::exchange(task.held, false)) go_on(id);
  }
}

void Follower::hold(pid_t task, FollowEvent event) {
  tasks_[task].held = true;
  events_.push_back(event);
}

void Follower::handle_status(pid_t task, int status) {
  unseen_.erase(task);
  if (!WIFSTOPPED(status)) return handle_end(task, status);
  if (letting_go_) return let_go(task, status);
  // A stopping signal sent to a whole process can be the first we see of a new thread.
  if (!tasks_.contains(task)) handle_new_task(task);
  if (!tasks_[task].held) handle_stop(task, status);
}

void Follower::handle_end(pid_t task, int status) {
  const auto found = tasks_.find(task);
  // Unknown ones never got as far as their first stop, or ended because another thread of theirs called exec.
  if (found == tasks_.end()) return;
  const bool is_process = found->second.process == task;
  tasks_.erase(found);
  if (!is_process) return;
  traps_.erase(task);
  events_.push_back({.kind = FollowEvent::Kind::kExited, .pid = task, .exit_code = exit_code_of_status(status)});
}

void Follower::handle_stop(pid_t task, int status) {
  switch (event_of(status)) {
    case 0:
      return handle_signal(task, WSTOPSIG(status));
    case PTRACE_EVENT_EXEC:
      return handle_exec(task);
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      return handle_fork(task);
    default:
      break;
  }
  if (is_group_stop(status)) {
    ::ptrace(PTRACE_LISTEN, task, nullptr, nullptr);  // stays stopped, and tells us of SIGCONT
  } else {
    go_on(task);
  }
}

// A task we have not seen before stands before its first instruction: a thread, or a child to be held.
void Follower::handle_new_task(pid_t task) {
  const auto status = status_of(task);
  const pid_t process = status ? status->process_id : task;
  tasks_[task] = Task{process, false};
  if (process != task || !status) return;
  const bool shares_memory = same_memory(task, status->parent_pid);
  const auto trap = traps_.find(status->parent_pid);
  if (trap != traps_.end() && !shares_memory) {
    ::ptrace(PTRACE_POKETEXT, task, pointer(word_of(trap->second.entry)), trap->second.original_word);
  }
  hold(task, {.kind = FollowEvent::Kind::kForked,
              .pid = task,
              .parent_pid = status->parent_pid,
              .shares_memory = shares_memory});
}

void Follower::expect_child_of(pid_t task) {
  unsigned long message = 0;
  if (::ptrace(PTRACE_GETEVENTMSG, task, nullptr, &message) != 0) return;
  const auto child = static_cast<pid_t>(message);
  // Its first stop may have come before the one of its parent, and its end too.
  siginfo_t info{};
  const bool exists = ::waitid(P_PID, message, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) == 0;
  if (exists && !tasks_.contains(child)) unseen_.insert(child);
}

void Follower::handle_fork(pid_t task) {
  expect_child_of(task);
  // While an int3 is in memory the child has a copy of it, so the child comes first: later we may not know any more. It
  // stops before its first instruction or is killed, so this wait is short. Earlier children are waited for as well.
  while (traps_.contains(tasks_[task].process) && !unseen_.empty()) {
    const pid_t child = *unseen_.begin();
    int status = 0;
    const pid_t got = ::waitpid(child, &status, __WALL);
    if (got < 0 && errno == EINTR) continue;
    unseen_.erase(child);
    if (got > 0) handle_status(child, status);
  }
  go_on(task);
}

void Follower::handle_exec(pid_t process) {
  // The thread that called exec has become the process; all its other threads are gone.
  std::erase_if(tasks_, [process](const auto& entry) { return entry.second.process == process; });
  tasks_[process] = Task{process, false};
  traps_.erase(process);
  if (plant_entry_trap(process)) return go_on(process);
  hold(process, {.kind = FollowEvent::Kind::kReadyAfterExec, .pid = process, .at_entry = false});
}

bool Follower::plant_entry_trap(pid_t process) {
  const auto auxv = read_proc_file(proc_path(process, "auxv"), kMaxSmallFileBytes);
  const auto entry = auxv ? find_auxv(*auxv, AT_ENTRY) : std::nullopt;
  if (!entry) return false;
  void* const word_address = pointer(word_of(*entry));
  errno = 0;
  const long original_word = ::ptrace(PTRACE_PEEKTEXT, process, word_address, nullptr);
  if (errno != 0) return false;
  constexpr std::uint64_t kInt3 = 0xcc, kByte = 0xff;
  const std::uint64_t shift = 8 * (*entry - word_of(*entry));
  const std::uint64_t word = (static_cast<std::uint64_t>(original_word) & ~(kByte << shift)) | kInt3 << shift;
  if (::ptrace(PTRACE_POKETEXT, process, word_address, static_cast<long>(word)) != 0) return false;
  traps_[process] = {*entry, original_word};
  return true;
}

bool Follower::is_at_entry_trap(pid_t task) const {
  const auto known = tasks_.find(task);
  const auto trap = known == tasks_.end() ? traps_.end() : traps_.find(known->second.process);
  if (trap == traps_.end()) return false;
  siginfo_t info{};
  user_regs_struct registers{};
  // A SIGTRAP that somebody sent has another code.
  return ::ptrace(PTRACE_GETSIGINFO, task, nullptr, &info) == 0 && info.si_code == SI_KERNEL &&
         ::ptrace(PTRACE_GETREGS, task, nullptr, &registers) == 0 && registers.rip == trap->second.entry + 1;
}

void Follower::handle_signal(pid_t task, int signal) {
  if (signal != SIGTRAP || !is_at_entry_trap(task)) return go_on(task, signal);
  const pid_t process = tasks_[task].process;
  const EntryTrap trap = traps_.at(process);
  ::ptrace(PTRACE_POKETEXT, task, pointer(word_of(trap.entry)), trap.original_word);
  user_regs_struct registers{};
  ::ptrace(PTRACE_GETREGS, task, nullptr, &registers);
  registers.rip = trap.entry;
  ::ptrace(PTRACE_SETREGS, task, nullptr, &registers);
  traps_.erase(process);
  hold(task, {.kind = FollowEvent::Kind::kReadyAfterExec, .pid = process});
}

// Detaching needs a stop. A task in an uninterruptible wait gives none; the kernel lets go of it when this thread ends.
void Follower::let_go_of_all() {
  letting_go_ = true;
  for (const auto& [task, state] : std::map(tasks_)) {
    if (state.held) {
      let_go(task, 0);
    } else {
      ::ptrace(PTRACE_INTERRUPT, task, nullptr, nullptr);
    }
  }
  const auto deadline = std::chrono::steady_clock::now() + kLetGoLimit;
  while (std::chrono::steady_clock::now() < deadline) {
    clear_wakeup();
    handle_stops();
    if (tasks_.empty() && unseen_.empty()) return;
    pollfd wakeup{wakeup_fd(), POLLIN, 0};
    (void)::poll(&wakeup, 1, 100);
  }
}

void Follower::let_go(pid_t task, int status) {
  const int event = event_of(status);
  int signal = status != 0 && event == 0 ? WSTOPSIG(status) : 0;
  if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) expect_child_of(task);
  if (!tasks_.contains(task)) handle_new_task(task);  // takes the copy of an int3 out of a forked child
  const auto trap = traps_.find(tasks_[task].process);
  if (event == PTRACE_EVENT_EXEC) {
    traps_.erase(tasks_[task].process);
  } else if (signal == SIGTRAP && is_at_entry_trap(task)) {
    handle_signal(task, signal);
    signal = 0;
  } else if (trap != traps_.end()) {
    // Kept in traps_: a child that was forked before this moment still has its copy.
    ::ptrace(PTRACE_POKETEXT, task, pointer(word_of(trap->second.entry)), trap->second.original_word);
  }
  ::ptrace(PTRACE_DETACH, task, nullptr, static_cast<long>(signal));
  tasks_.erase(task);
}

}  // namespace poolscope::process
