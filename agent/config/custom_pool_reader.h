#pragma once
// `custom_pools:` of the configuration: pools of native programs, and presets.

#include <vector>

#include "agent/config/config.h"
#include "agent/config/reader.h"

namespace poolscope::config {

inline constexpr std::size_t kMaxCustomPools = 32;    // with those of presets
inline constexpr std::size_t kMaxPoolFunctions = 16;  // of one kind (get, put, ...) of one pool
inline constexpr unsigned kMaxArgument = 6;           // those that System V passes in registers

void read_custom_pools(Reader& reader, const Value& list, std::vector<CustomPool>& out);

}  // namespace poolscope::config
