#pragma once
// The pools of the configuration in the words of probes/.

#include <vector>

#include "agent/config/config.h"
#include "probes/collectors/custom_pool_spec.h"

namespace poolscope::targets {

// In the same order: a position is the number of a pool in a plan.
[[nodiscard]] std::vector<probes::CustomPoolSpec> pool_specs(const std::vector<config::CustomPool>& pools);

}  // namespace poolscope::targets
