#pragma once
// Reading files of /proc: they have no size, end when read() gives nothing, and vanish with their process.

#include <cstddef>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "poolscope/result.h"

namespace poolscope::process {

// "/proc/PID/name"
[[nodiscard]] std::string proc_path(pid_t pid, std::string_view name);

// The first `max_bytes` of the file, or the errno. ESRCH (the process ended after open()) comes back as
// ENOENT.
[[nodiscard]] Result<std::string, int> read_proc_file(const std::string& path, std::size_t max_bytes);

// What a symbolic link of /proc says, or the errno.
[[nodiscard]] Result<std::string, int> read_proc_link(const std::string& path);

}  // namespace poolscope::process
