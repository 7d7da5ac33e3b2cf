#include "agent/targets/pool_specs.h"

#include <tuple>

#include <gtest/gtest.h>

namespace poolscope::targets {
namespace {

using probes::PoolRole;

TEST(PoolSpecs, SayWhatTheConfigurationSays) {
  config::CustomPool pool;
  pool.name = "frames";
  pool.executable_glob = "player";
  pool.object_glob = "libframes.so*";
  pool.get = {{"get", 1, 2, 3, true}, {"try_get"}};
  pool.put = {{"put", 0, 4, 5}};
  pool.miss = {{"miss"}};
  pool.grow = {{"grow"}};
  const auto specs = pool_specs({pool, {}});
  ASSERT_EQ(specs.size(), 2u);
  const auto& spec = specs[0];
  EXPECT_EQ(spec.name, "frames");
  EXPECT_EQ(spec.executable_glob, "player");
  EXPECT_EQ(spec.object_glob, "libframes.so*");
  ASSERT_EQ(spec.of(PoolRole::kGet).size(), 2u);
  const auto& get = spec.of(PoolRole::kGet)[0];
  EXPECT_EQ(std::tie(get.name, get.size_argument, get.object_argument, get.pool_argument, get.optional),
            std::tuple("get", 1u, 2u, 3u, true));
  EXPECT_EQ(spec.of(PoolRole::kGet)[1].name, "try_get");
  EXPECT_EQ(spec.of(PoolRole::kPut).at(0).object_argument, 4u);
  EXPECT_EQ(spec.of(PoolRole::kMiss).at(0).name, "miss");
  EXPECT_EQ(spec.of(PoolRole::kGrow).at(0).name, "grow");
}

}  // namespace
}  // namespace poolscope::targets
