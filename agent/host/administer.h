#pragma once
// What an administrator asks of a running host.

#include <cstdint>
#include <string>
#include <vector>

#include "pools/hosted/wire.h"
#include "poolscope/result.h"

namespace poolscope::host {

// Fail with a text for people.
[[nodiscard]] Result<std::vector<hosted::Reply>, std::string> list_pools(const std::string& socket_path);
// The pool as it is right after.
[[nodiscard]] Result<hosted::Reply, std::string> resize_pool(const std::string& socket_path, const std::string& pool,
                                                             std::uint32_t buffers);

}  // namespace poolscope::host
