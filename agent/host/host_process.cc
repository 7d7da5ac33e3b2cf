#include "agent/host/host_process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pools/hosted/wire.h"

namespace poolscope::host {
namespace {

constexpr std::chrono::seconds kStartAtMostEvery{5};
constexpr int kStopWithinMs = 5000, kLookEveryMs = 10;
constexpr int kNotExecuted = 127;

Failure<std::string> failed(const std::string& what) {
  return Failure{what + ": " + std::strerror(errno)};
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return std::string("was ended by signal ") + std::to_string(WTERMSIG(status));
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<HostProcess, std::string> HostProcess::start(const HostProcessOptions& options, Time now) {
  HostProcess host(options);
  if (const auto found = host.find_identity(options.user); !found) return Failure{found.error()};
  if (const auto made = host.make_folder(host.arguments_.back()); !made) return Failure{made.error()};
  if (const auto started = host.spawn(now); !started) return Failure{started.error()};
  return host;
}

HostProcess::HostProcess(const HostProcessOptions& options)
    : arguments_{
          options.executable, "pools",    "serve",
          options.file,       "--socket", options.socket.empty() ? hosted::default_socket_path() : options.socket} {}

HostProcess::HostProcess(HostProcess&& other) noexcept
    : arguments_(std::move(other.arguments_)),
      identity_(other.identity_),
      pid_(std::exchange(other.pid_, -1)),
      next_start_(other.next_start_) {}

HostProcess::~HostProcess() {
  if (pid_ < 0) return;
  (void)::kill(pid_, SIGTERM);
  for (int waited_ms = 0; waited_ms < kStopWithinMs; waited_ms += kLookEveryMs) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) return;
    (void)::usleep(kLookEveryMs * 1000);
  }
  (void)::kill(pid_, SIGKILL);
  (void)::waitpid(pid_, nullptr, 0);
}

Result<Done, std::string> HostProcess::find_identity(const std::string& user) {
  if (user.empty()) {
    if (::geteuid() != 0) return Done{};
    return Failure{std::string("hosted_pools.user must name the user that the host of the pools runs as: not root")};
  }
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) return Failure{"hosted_pools.user: there is no user " + user};
  if (entry->pw_uid == 0) return Failure{std::string("hosted_pools.user: the host of the pools does not run as root")};
  if (entry->pw_uid == ::geteuid()) return Done{};
  if (::geteuid() != 0) return Failure{"hosted_pools.user: only root can start a host as " + user};
  identity_ = {entry->pw_uid, entry->pw_gid};
  return Done{};
}

// A user without rights could not make it in /run.
Result<Done, std::string> HostProcess::make_folder(const std::string& socket) const {
  const std::string folder = socket.substr(0, socket.rfind('/'));
  if (folder.empty()) return Done{};
  if (::mkdir(folder.c_str(), 0755) != 0)
    return errno == EEXIST ? Result<Done, std::string>(Done{}) : failed("cannot make " + folder);
  if (!identity_ || ::chown(folder.c_str(), identity_->uid, identity_->gid) == 0) return Done{};
  return failed("cannot give " + folder + " to the user of the host");
}

Result<Done, std::string> HostProcess::spawn(Time now) {
  next_start_ = now + kStartAtMostEvery;
  argv_.clear();
  for (std::string& argument : arguments_) argv_.push_back(argument.data());
  argv_.push_back(nullptr);
  const pid_t parent = ::getpid(), child = ::fork();
  if (child < 0) return failed("cannot start the host of the pools");
  if (child == 0) be_host(parent);
  pid_ = child;
  return Done{};
}

// Between fork() and exec(): other threads may hold any lock.
void HostProcess::be_host(pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP}) (void)std::signal(signal, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDONLY);
  const bool has_stdin = ::dup2(nothing, STDIN_FILENO) == STDIN_FILENO;
  (void)::dup2(STDERR_FILENO, STDOUT_FILENO);
  (void)::syscall(SYS_close_range, 3, ~0U, 0);
  const bool is_other =
      !identity_ || (::setgroups(0, nullptr) == 0 && ::setresgid(identity_->gid, identity_->gid, identity_->gid) == 0 &&
                     ::setresuid(identity_->uid, identity_->uid, identity_->uid) == 0);
  // After the change of user, which would undo the second.
  const bool is_bound = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGTERM) == 0;
  if (!has_stdin || !is_other || !is_bound || ::getppid() != parent) ::_exit(kNotExecuted);
  (void)::execv(argv_.front(), argv_.data());
  ::_exit(kNotExecuted);
}

std::optional<std::string> HostProcess::tend(Time now) {
  int status = 0;
  if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = -1;
    return "the host of the pools " + how_it_ended(status) + "; it is started again";
  }
  if (pid_ > 0 || now < next_start_) return std::nullopt;
  const auto started = spawn(now);
  return started ? "the host of the pools was started again" : started.error();
}

}  // namespace poolscope::host
