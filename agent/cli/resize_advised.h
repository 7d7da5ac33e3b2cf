#pragma once
// pools resize --advised: does with pools what an agent advises, because somebody asks for it.

#include <string>
#include <vector>

#include "agent/cli/commands.h"

namespace poolscope::cli {

struct ResizeAdvised {
  std::string source = kDefaultAgentUrl;  // URL of the agent, or a report of it
  std::string socket;                     // of the host of hosted pools
  std::vector<std::string> pools;         // empty: all that can be resized
  bool is_dry_run = false;
};

// kExitFailed when a change was not made, or a pool that is named is refused.
[[nodiscard]] int resize_advised(const ResizeAdvised& options);

}  // namespace poolscope::cli
