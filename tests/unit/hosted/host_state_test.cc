// The host's files: which pools to serve, and what it knew before it was killed.
#include "agent/host/host_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/host/host_config.h"

namespace poolscope::host::test {
namespace {

constexpr const char* kFrames = "pools:\n  - name: frames\n    buffer_bytes: 65536\n    buffers: 64\n";

TEST(HostConfig, TakesBuffersForMaxBuffersWhereNoneIsGiven) {
  const auto pools = parse_pools(kFrames, "pools.yaml");
  ASSERT_TRUE(pools.has_value());
  ASSERT_THAT(*pools, testing::SizeIs(1));
  EXPECT_EQ(pools->front().name, "frames");
  EXPECT_EQ(pools->front().buffer_bytes, 65536u);
  EXPECT_EQ(pools->front().max_buffers, 64u);
  EXPECT_THAT(pools->front().open_to_uids, testing::IsEmpty());
}

TEST(HostConfig, TakesUids) {
  const auto pools = parse_pools(std::string(kFrames) + "    open_to_uids: [0, 1000]\n", "pools.yaml");
  ASSERT_TRUE(pools.has_value());
  EXPECT_THAT(pools->front().open_to_uids, testing::ElementsAre(0u, 1000u));
}

TEST(HostConfig, TakesASizingPolicy) {
  const auto pools = parse_pools(std::string(kFrames) + "    sizing: quantile\n    min_buffers: 8\n", "pools.yaml");
  ASSERT_TRUE(pools.has_value());
  EXPECT_EQ(pools->front().sizing, Sizing::kQuantile);
  EXPECT_EQ(pools->front().min_buffers, 8u);
  EXPECT_EQ(parse_pools(kFrames, "pools.yaml")->front().sizing, Sizing::kFixed);
}

struct BadConfig {
  const char* name;
  std::string text;
  const char* says;
};
class HostConfigRefuses : public testing::TestWithParam<BadConfig> {};
TEST_P(HostConfigRefuses, WithTheReason) {
  const auto pools = parse_pools(GetParam().text, "pools.yaml");
  ASSERT_FALSE(pools.has_value());
  EXPECT_THAT(config::describe(pools.error().front()), testing::HasSubstr(GetParam().says));
}
INSTANTIATE_TEST_SUITE_P(
    Table, HostConfigRefuses,
    testing::Values(BadConfig{"Nothing", "", "no pools"}, BadConfig{"NoList", "pools: 3\n", "must be a list"},
                    BadConfig{"NoName", "pools:\n  - buffer_bytes: 1\n    buffers: 1\n", "`name`"},
                    BadConfig{"Twice", std::string(kFrames) + std::string(kFrames).substr(7), "this name too"},
                    BadConfig{"MaxTooSmall", std::string(kFrames) + "    max_buffers: 63\n", "at least buffers"},
                    BadConfig{"UnknownKey", std::string(kFrames) + "    max_bufers: 63\n", "did you mean"},
                    BadConfig{"UnknownSizing", std::string(kFrames) + "    sizing: large\n", "overflow_band"},
                    BadConfig{"MinOfFixed", std::string(kFrames) + "    min_buffers: 8\n", "min_buffers is for"},
                    BadConfig{"MinAboveMax", std::string(kFrames) + "    sizing: quantile\n    min_buffers: 65\n",
                              "at most max_buffers"},
                    BadConfig{"NoUids", std::string(kFrames) + "    open_to_uids: []\n", "list of user ids"},
                    BadConfig{"NegativeUid", std::string(kFrames) + "    open_to_uids: [-1]\n", "from 0"}),
    [](const auto& c) { return c.param.name; });

HostState sample() {
  PoolRecord pool{"frames", 11, 12, 65536, 64, 32, {}};
  pool.clients.push_back({7, 1000, {4321, 99}});
  return {"boot", {pool}};
}

TEST(HostState, ComesBackAsItWasWritten) {
  const auto state = parse_state(text_of(sample()));
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->boot_id, "boot");
  ASSERT_THAT(state->pools, testing::SizeIs(1));
  const PoolRecord& pool = state->pools.front();
  EXPECT_EQ(pool.words_inode, 11u);
  EXPECT_EQ(pool.limit_buffers, 32u);
  ASSERT_THAT(pool.clients, testing::SizeIs(1));
  EXPECT_EQ(pool.clients.front().id, 7u);
  EXPECT_EQ(pool.clients.front().process, (model::ProcessKey{4321, 99}));
}

TEST(HostState, IsNotBelievedWhenItIsImpossible) {
  HostState state = sample();
  state.pools.front().clients.front().id = 0;
  EXPECT_FALSE(parse_state(text_of(state)).has_value());
  state = sample();
  state.pools.front().limit_buffers = 65;
  EXPECT_FALSE(parse_state(text_of(state)).has_value());
  for (const char* text : {"", "{}", "[]", "{\"version\":1}", "{\"version\":2,\"boot_id\":\"\",\"pools\":[]}"})
    EXPECT_FALSE(parse_state(text).has_value()) << text;
}

}  // namespace
}  // namespace poolscope::host::test
