#pragma once
// The file of `poolscope pools serve`: which pools there are and who may open them. docs/reference/hosted-pools.md lists every key.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "agent/config/config.h"
#include "agent/host/pool_sizing.h"
#include "poolscope/result.h"

namespace poolscope::host {

inline constexpr std::size_t kMaxPools = 256;

struct PoolConfig {
  std::string name;
  std::uint64_t buffer_bytes = 0;
  std::uint32_t buffers = 0;        // at the start
  std::uint32_t max_buffers = 0;    // ever; addresses are taken for so many, memory is not
  std::vector<uid_t> open_to_uids;  // empty: the uid of the host alone
  Sizing sizing = Sizing::kFixed;
  std::uint32_t min_buffers = 0;  // of the sizing; 0: `buffers`
};

using PoolsOrErrors = Result<std::vector<PoolConfig>, std::vector<config::ConfigError>>;

// All errors of the text, not only the first.
[[nodiscard]] PoolsOrErrors parse_pools(std::string_view yaml, std::string file_name);
[[nodiscard]] PoolsOrErrors load_pools(const std::string& path);

}  // namespace poolscope::host
