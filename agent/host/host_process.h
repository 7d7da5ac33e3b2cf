#pragma once
// HostProcess: the `poolscope pools serve` that an agent starts: a child without privileges, started again when it ends.
//   User      an agent of root starts it as another user, with none of root's rights; nobody else can change users.
//   Ends      it is told to when this is destroyed, and by the kernel when the agent ends in another way. Services that have pools open go on, and
//             hand these to the next host.
//   Threads   one.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "poolscope/result.h"

namespace poolscope::host {

struct HostProcessOptions {
  std::string executable = "/proc/self/exe";
  std::string file;
  std::string socket;
  std::string user;  // empty: the one of this process, unless that is root
};

class HostProcess {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Fails with what is wrong and the way out. What the host itself has to say, it says on stderr.
  [[nodiscard]] static Result<HostProcess, std::string> start(const HostProcessOptions& options, Time now);
  HostProcess(HostProcess&& other) noexcept;
  HostProcess& operator=(HostProcess&&) = delete;
  ~HostProcess();

  // Now and then. A line for the log when it ended, or was started again, since the last call.
  [[nodiscard]] std::optional<std::string> tend(Time now);
  [[nodiscard]] pid_t pid() const { return pid_; }  // -1: it does not run

 private:
  struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
  };

  explicit HostProcess(const HostProcessOptions& options);
  Result<Done, std::string> find_identity(const std::string& user);
  Result<Done, std::string> make_folder(const std::string& socket) const;
  Result<Done, std::string> spawn(Time now);
  [[noreturn]] void be_host(pid_t parent);

  std::vector<std::string> arguments_;
  std::vector<char*> argv_;  // of arguments_, made before the fork
  std::optional<Identity> identity_;
  pid_t pid_ = -1;
  Time next_start_{};
};

}  // namespace poolscope::host
