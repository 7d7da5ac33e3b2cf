#pragma once
// SIGINT and SIGTERM as a descriptor, for commands that wait for something else as well.

#include "poolscope/unique_fd.h"

namespace poolscope::cli {

// Readable once the process is told to end; from now on these signals do nothing else. Empty when the system has no room for one.
[[nodiscard]] UniqueFd stop_signals_fd();

}  // namespace poolscope::cli
