#pragma once
// What POST /api/v1/pools/NAME does, and for whom: who has the token may change the limit of a hosted pool.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "agent/api/http_message.h"
#include "poolscope/result.h"

namespace poolscope::api {

inline constexpr const char* kPoolsPath = "/api/v1/pools/";
inline constexpr std::size_t kMaxBodyBytes = 4096;

struct ResizedPool {
  std::uint32_t limit_buffers = 0, max_buffers = 0, borrowed = 0, idle = 0, retired = 0;
};
struct PoolAdminError {
  int status = 0;  // of HTTP
  std::string detail;
};

struct PoolAdmin {
  std::string token;  // what `Authorization: Bearer` must hold
  // From any thread; may take some seconds.
  std::function<Result<ResizedPool, PoolAdminError>(const std::string& pool, std::uint32_t buffers)> resize;
};

// `admin` absent: it is switched off. The request passed the guard.
[[nodiscard]] Response answer_resize(const std::optional<PoolAdmin>& admin, const Request& request);

}  // namespace poolscope::api
