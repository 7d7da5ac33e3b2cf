#include "probes/process/launcher.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/process/follower.h"

namespace poolscope::process {
namespace {

using Reason = LaunchError::Reason;

// What this program was started with, taken before main() changes it: the program we start must find the same.
class StartupSignals {
 public:
  StartupSignals() {
    ::sigprocmask(SIG_SETMASK, nullptr, &mask_);
    for (int signal = 1; signal < kSignals; ++signal) {
      struct sigaction action {};
      ignored_[static_cast<std::size_t>(signal)] =
          ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
    }
  }
  // Only async-signal-safe calls: runs between fork and exec.
  void restore() const {
    for (int signal = 1; signal < kSignals; ++signal) {
      struct sigaction action {};
      action.sa_handler = ignored_[static_cast<std::size_t>(signal)] ? SIG_IGN : SIG_DFL;
      ::sigaction(signal, &action, nullptr);  // fails for SIGKILL, SIGSTOP and those of the C library
    }
    ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
  }

 private:
  static constexpr int kSignals = NSIG;
  sigset_t mask_{};
  std::array<bool, kSignals> ignored_{};
};
const StartupSignals g_startup_signals;

struct Pipe {
  UniqueFd read_end, write_end;
};
std::optional<Pipe> open_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

ssize_t read_retrying(int fd, void* data, std::size_t bytes) {
  ssize_t got = 0;
  do {
    got = ::read(fd, data, bytes);
  } while (got < 0 && errno == EINTR);
  return got;
}

int wait_for_status(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return 0;
  }
  return status;
}

// Runs in the child. Goes on once `go_fd` gives a byte; the errno of a failed exec is written to `report_fd`.
[[noreturn]] void exec_command(char* const* argv, int go_fd, int report_fd) {
  g_startup_signals.restore();
  char go = 0;
  if (read_retrying(go_fd, &go, 1) != 1) ::_exit(1);
  ::execvp(argv[0], argv);
  const int error = errno;
  (void)!::write(report_fd, &error, sizeof(error));
  ::_exit(127);
}

LaunchError system_error(const std::string& command, const char* what, int error) {
  return {Reason::kSystem, command, what, error};
}

// execvp() gives EACCES also when a directory of PATH may not be searched and no other one has the command.
bool is_in_path(const std::string& command) {
  const char* path = ::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    if (::access((std::string(rest.substr(0, end)) + "/" + command).c_str(), F_OK) == 0) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

LaunchError exec_error(const std::string& command, int error) {
  const bool has_directory = command.find('/') != std::string::npos;
  if (error == EACCES && !has_directory && !is_in_path(command)) error = ENOENT;
  if (error == ENOENT) {
    return {Reason::kNotFound, command,
            has_directory ? "there is no such file, or its interpreter is missing"
                          : "it is in no directory of PATH; give its path",
            error};
  }
  return {Reason::kNotExecutable, command, "the kernel refused to execute it", error};
}

LaunchError seize_error(const std::string& command, int error) {
  if (error != EPERM) return system_error(command, "cannot follow it with ptrace", error);
  return {Reason::kNotPermitted, command,
          "following it with ptrace is not allowed here; needs CAP_SYS_PTRACE, or kernel.yama.ptrace_scope below 2",
          error};
}

LaunchError follower_error(const std::string& command, int error) {
  if (error == EBUSY)
    return {Reason::kBusy, command, "another program is being followed already; wait for its end", error};
  if (error == ENOSYS) {
    return {Reason::kNotPermitted, command,
            "following needs the system call kcmp (CONFIG_KCMP, not filtered by seccomp)", error};
  }
  return system_error(command, "cannot set up following", error);
}

}  // namespace

std::string describe(const LaunchError& error) {
  std::string text = "cannot start `" + error.command + "`: " + error.detail;
  if (error.sys_errno != 0) text += std::string(" (") + ::strerror(error.sys_errno) + ")";
  return text;
}

int exit_code(const LaunchError& error) {
  switch (error.reason) {
    case Reason::kNotFound:
      return 127;
    case Reason::kNotExecutable:
      return 126;
    default:
      return 1;
  }
}

Result<std::unique_ptr<Launcher>, LaunchError> Launcher::start(const std::vector<std::string>& argv, Mode mode) {
  if (argv.empty() || argv[0].empty()) return Failure{LaunchError{Reason::kNotFound, "", "no command was given", 0}};
  std::unique_ptr<Launcher> launcher(new Launcher);
  if (mode == Mode::kFollow) {
    auto follower = Follower::create();
    if (!follower) return Failure{follower_error(argv[0], follower.error())};
    launcher->follower_ = std::move(*follower);
  } else if (struct sigaction action{}; ::sigaction(SIGCHLD, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
    ::signal(SIGCHLD, SIG_DFL);  // with SIG_IGN, inherited from who started us, the exit code would be lost
  }
  if (auto launched = launcher->launch(argv); !launched) return Failure{launched.error()};
  return launcher;
}

Result<Done, LaunchError> Launcher::launch(const std::vector<std::string>& argv) {
  const std::string& command = argv[0];
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  auto go = open_pipe(), report = open_pipe();
  if (!go || !report) return Failure{system_error(command, "cannot open a pipe", errno)};
  const pid_t pid = ::fork();
  if (pid < 0) return Failure{system_error(command, "cannot fork", errno)};
  if (pid == 0) {
    go->write_end.reset();  // or the child would wait for itself when we die
    exec_command(arguments.data(), go->read_end.get(), report->write_end.get());
  }
  report->write_end.reset();
  pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd_) {
    const int error = errno;
    go.reset();
    wait_for_status(pid);
    return Failure{system_error(command, "cannot open a pidfd", error)};
  }
  if (const int error = follower_ ? follower_->seize(pid) : 0; error != 0) {
    go.reset();  // the child ends without exec
    wait_for_status(pid);
    return Failure{seize_error(command, error)};
  }
  pid_ = pid;
  (void)!::write(go->write_end.get(), "g", 1);  // fails when the child has been killed: the report pipe tells
  return await_exec(report->read_end.get(), command);
}

Result<Done, LaunchError> Launcher::await_exec(int report_fd, const std::string& command) {
  if (follower_) {
    // Signals may stop the child before its exec, so its stops have to be handled while we wait.
    pollfd ready[] = {{report_fd, POLLIN, 0}, {follower_->wakeup_fd(), POLLIN, 0}};
    do {
      follower_->clear_wakeup();
      follower_->handle_stops();
      (void)::poll(ready, 2, -1);
    } while (ready[0].revents == 0);
  }
  int error = 0;
  if (read_retrying(report_fd, &error, sizeof(error)) != static_cast<ssize_t>(sizeof(error))) return Done{};
  follower_.reset();
  wait_for_status(std::exchange(pid_, -1));
  return Failure{exec_error(command, error)};
}

Launcher::~Launcher() = default;

void Launcher::forward(int signal) const {
  // Fails only when the program has ended.
  if (!exit_code_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
}

int Launcher::wait() {
  if (!exit_code_) exit_code_ = exit_code_of_status(wait_for_status(pid_));
  return *exit_code_;
}

std::optional<int> Launcher::wait_for(std::chrono::milliseconds timeout) {
  if (exit_code_) return exit_code_;
  const auto limit_ms = std::min<std::chrono::milliseconds::rep>(timeout.count(), INT_MAX);
  pollfd ended{pidfd_.get(), POLLIN, 0};
  if (::poll(&ended, 1, static_cast<int>(limit_ms)) != 1) return std::nullopt;
  return wait();
}

FollowEvent Launcher::next_event(std::chrono::milliseconds timeout) {
  const FollowEvent event = follower_->next_event(timeout);
  if (event.kind == FollowEvent::Kind::kExited && event.pid == pid_) exit_code_ = event.exit_code;
  return event;
}

void Launcher::resume(pid_t pid) {
  follower_->resume(pid);
}

}  // namespace poolscope::process
