#pragma once
// Reads whole files with a limit.

#include <cstddef>
#include <string>

#include "poolscope/result.h"

namespace poolscope::cli {

// The bytes of the file at `path`, "-" for stdin. Fails above `max_bytes`. The error names the file and the cause.
[[nodiscard]] Result<std::string, std::string> read_input(const std::string& path, std::size_t max_bytes);

}  // namespace poolscope::cli
