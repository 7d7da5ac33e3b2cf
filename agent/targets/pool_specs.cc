#include "agent/targets/pool_specs.h"

#include <algorithm>
#include <iterator>

namespace poolscope::targets {
namespace {

std::vector<probes::PoolFunctionSpec> function_specs(const std::vector<config::PoolFunction>& functions) {
  std::vector<probes::PoolFunctionSpec> specs;
  specs.reserve(functions.size());
  for (const auto& function : functions) {
    specs.push_back(
        {function.name, function.size_argument, function.object_argument, function.pool_argument, function.optional});
  }
  return specs;
}

probes::CustomPoolSpec pool_spec(const config::CustomPool& pool) {
  using probes::PoolRole;
  probes::CustomPoolSpec spec;
  spec.name = pool.name;
  spec.executable_glob = pool.executable_glob;
  spec.object_glob = pool.object_glob;
  spec.of(PoolRole::kGet) = function_specs(pool.get);
  spec.of(PoolRole::kPut) = function_specs(pool.put);
  spec.of(PoolRole::kMiss) = function_specs(pool.miss);
  spec.of(PoolRole::kGrow) = function_specs(pool.grow);
  return spec;
}

}  // namespace

std::vector<probes::CustomPoolSpec> pool_specs(const std::vector<config::CustomPool>& pools) {
  std::vector<probes::CustomPoolSpec> specs;
  std::ranges::transform(pools, std::back_inserter(specs), pool_spec);
  return specs;
}

}  // namespace poolscope::targets
