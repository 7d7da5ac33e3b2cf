#include "agent/cli/hosted_pools.h"

#include <utility>

#include "agent/client/admin_token.h"
#include "agent/host/administer.h"

namespace poolscope::cli {
namespace {

int status_of(host::AdminError::Reason reason) {
  switch (reason) {
    case host::AdminError::Reason::kNoHost:
      return 503;
    case host::AdminError::Reason::kNoSuchPool:
      return 404;
    case host::AdminError::Reason::kRefused:
      break;
  }
  return 400;
}

Result<api::ResizedPool, api::PoolAdminError> resize(const std::string& socket, const std::string& name,
                                                     std::uint32_t buffers) {
  const auto pool = host::resize_pool(socket, name, buffers);
  if (!pool) return Failure{api::PoolAdminError{status_of(pool.error().reason), pool.error().text}};
  return api::ResizedPool{pool->limit_buffers, pool->max_buffers, pool->borrowed, pool->idle, pool->retired};
}

}  // namespace

Result<std::optional<api::PoolAdmin>, std::string> make_pool_admin(const config::Config& config) {
  if (!config.web.enable_admin_api) return std::optional<api::PoolAdmin>();
  if (config.web.admin_token_file.empty())
    return Failure{std::string("--web.enable-admin-api needs --web.admin-token-file FILE")};
  auto token = client::read_admin_token(config.web.admin_token_file);
  if (!token) return Failure{token.error()};
  const std::string socket =
      config.hosted_pools.socket.empty() ? hosted::default_socket_path() : config.hosted_pools.socket;
  return std::optional(api::PoolAdmin{std::move(*token), [socket](const std::string& name, std::uint32_t buffers) {
                                        return resize(socket, name, buffers);
                                      }});
}

Result<std::optional<host::HostProcess>, std::string> start_host(const config::HostedPoolsConfig& config) {
  if (config.file.empty()) return std::optional<host::HostProcess>();
  auto started = host::HostProcess::start({.file = config.file, .socket = config.socket, .user = config.user},
                                          std::chrono::steady_clock::now());
  if (!started) return Failure{started.error()};
  return std::optional<host::HostProcess>(std::move(*started));
}

}  // namespace poolscope::cli
