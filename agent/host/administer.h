#pragma once
// What an administrator asks of a running host.

#include <cstdint>
#include <string>
#include <vector>

#include "pools/hosted/wire.h"
#include "poolscope/result.h"

namespace poolscope::host {

struct PoolListing {
  hosted::Reply pool;
  std::vector<hosted::Holder> holders;  // by client
};

struct AdminError {
  enum class Reason { kNoHost, kNoSuchPool, kRefused };
  Reason reason;
  std::string text;  // for people
};

// As they are now.
[[nodiscard]] Result<std::vector<PoolListing>, AdminError> list_pools(const std::string& socket_path);
// The pool as it is right after.
[[nodiscard]] Result<hosted::Reply, AdminError> resize_pool(const std::string& socket_path, const std::string& pool,
                                                            std::uint32_t buffers);

}  // namespace poolscope::host
