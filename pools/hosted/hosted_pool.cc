#include "poolscope/hosted_pool.h"

#include "pools/hosted/connection.h"

namespace poolscope {
namespace {

// Clients begin this far apart, so that they do not meet on one line of slots as long as most buffers are free.
constexpr std::uint32_t kApart = 64;

}  // namespace

Result<std::unique_ptr<HostedPool>, HostedPoolError> HostedPool::open(const HostedPoolOptions& options) {
  auto connection = hosted::Connection::open(options);
  if (!connection) return Failure{connection.error()};
  (void)(*connection)->start_keeping();
  return std::unique_ptr<HostedPool>(new HostedPool(std::move(*connection)));
}

HostedPool::HostedPool(std::unique_ptr<hosted::Connection> connection)
    : words_(connection->words(), connection->control().max_buffers),
      payload_(connection->payload()),
      buffer_bytes_(connection->control().buffer_bytes),
      stride_bytes_(hosted::stride_for(buffer_bytes_)),
      limit_(&connection->control().limit_buffers),
      client_(connection->client()),
      first_((client_ - 1U) * kApart % words_.buffers()),
      connection_(std::move(connection)) {}

HostedPool::~HostedPool() = default;

bool HostedPool::is_served() const noexcept {
  return connection_->is_served();
}

}  // namespace poolscope
