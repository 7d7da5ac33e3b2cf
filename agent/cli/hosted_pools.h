#pragma once
// What an agent has to do with hosted pools: the host that it starts, and the API that resizes them.

#include <optional>
#include <string>

#include "agent/api/pool_admin.h"
#include "agent/config/config.h"
#include "agent/host/host_process.h"
#include "poolscope/result.h"

namespace poolscope::cli {

// Absent: the configuration does not enable it.
[[nodiscard]] Result<std::optional<api::PoolAdmin>, std::string> make_pool_admin(const config::Config& config);
// Absent: the configuration names no pools to host.
[[nodiscard]] Result<std::optional<host::HostProcess>, std::string> start_host(const config::HostedPoolsConfig& config);

}  // namespace poolscope::cli
