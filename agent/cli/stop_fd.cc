#include "agent/cli/stop_fd.h"

#include <csignal>

#include <sys/signalfd.h>

namespace poolscope::cli {

UniqueFd stop_signals_fd() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC));
}

}  // namespace poolscope::cli
