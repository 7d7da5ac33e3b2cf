#pragma once
// The host's files on disk.

#include <string>

#include "agent/host/host_state.h"

namespace poolscope::host {

// Of this run of the machine; empty when /proc does not say.
[[nodiscard]] std::string read_boot_id();
// Nothing known when there is no such file, it is of another boot, of another user, or cannot be believed: the pools then start anew.
[[nodiscard]] HostState read_state(const std::string& file, const std::string& boot_id);
// Replaces the file in one step. Not synced: it says nothing that outlives the machine.
[[nodiscard]] Result<Done, std::string> write_state(const std::string& file, const HostState& state);

}  // namespace poolscope::host
