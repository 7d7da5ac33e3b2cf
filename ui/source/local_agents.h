#pragma once
// Agents that run on this machine, by the command lines of its processes: nothing is sent to anybody.

#include <string>
#include <vector>

namespace poolscope::viewer {

// Their addresses, each once, sorted. One that has a configuration, and no address on its command line, is not found: it may
// stand there.
[[nodiscard]] std::vector<std::string> local_agents(const std::string& proc = "/proc");

}  // namespace poolscope::viewer
