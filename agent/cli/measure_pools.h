#pragma once
// `doctor --pid`: which functions of described pools are in a process and where they would be probed. Nothing is probed.

#include <string>

#include "agent/cli/commands.h"

namespace poolscope::cli {

struct PoolQuestion {
  int pid = 0;              // 0: none is named
  std::string preset;       // the pools of this preset,
  std::string config_file;  // or those of `custom_pools` in this file

  [[nodiscard]] bool asks_for_pools() const { return !preset.empty() || !config_file.empty(); }
};

// --pid, and with it --preset, --config.file or neither.
void add_pool_question(CLI::App& command, PoolQuestion& question);

// Exit code 1 when gets of no pool could be measured.
[[nodiscard]] int explain_pools(const PoolQuestion& question);

}  // namespace poolscope::cli
