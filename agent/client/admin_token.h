#pragma once
// The token of the admin API: a secret in a file, because command lines and environments can be read by others.

#include <string>

#include "poolscope/result.h"

namespace poolscope::client {

// What the file holds, without white space around it. Fails when others may read the file, or what it holds is too short for a secret.
[[nodiscard]] Result<std::string, std::string> read_admin_token(const std::string& file);

}  // namespace poolscope::client
