// Windows of very different lengths, and what was read of a pool at their ends.
#include <vector>

#include <gtest/gtest.h>

#include "agent/estimate/pool_merge.h"
#include "tests/unit/estimate/make_pools.h"

namespace poolscope::estimate::testing {
namespace {

TEST(PoolWindows, ThatAreShortCountTogether) {
  auto bursts = alike(pool("a", 100));
  for (unsigned i = 0; i < 4; ++i) {  // 100, 0, 100, 0 in a tenth of a second each: 500 per second
    auto brief = pool_burst(50 + i, {pool("a", i % 2 == 0 ? 100 : 0)});
    brief.window.length_ns = brief.window.cpu_ns = 100 * kMillisecondNs;
    bursts.push_back(brief);
  }
  const auto summary = only_pool(bursts);
  const double windows = kBurstsForInterval + 2;  // two brief ones are a fifth of a second
  EXPECT_NEAR(summary.gets_per_second->value, (100 * kBurstsForInterval + 2 * 500) / windows, 1e-9);
  EXPECT_EQ(summary.counted.gets, 100u * kBurstsForInterval + 200);
}

TEST(PoolWindows, ThatAreShortAreNotJoinedAcrossProcesses) {
  auto bursts = alike(pool("a", 100));
  for (unsigned i = 0; i < 2; ++i) {
    auto brief = pool_burst(50 + i, {pool("a", 100)}, 7 + static_cast<int>(i));
    brief.window.length_ns = brief.window.cpu_ns = 100 * kMillisecondNs;
    bursts.push_back(brief);
  }
  EXPECT_NEAR(only_pool(bursts).gets_per_second->value, 100, 1e-9) << "either is left over, and left out";
}

TEST(PoolWindows, ASingleShortOneIsLeftOut) {
  auto bursts = alike(pool("a", 100));
  auto brief = pool_burst(50, {pool("a", 1)});
  brief.window.length_ns = brief.window.cpu_ns = kMillisecondNs;
  bursts.push_back(brief);
  EXPECT_NEAR(only_pool(bursts).gets_per_second->value, 100, 1e-9);
}

TEST(PoolWindows, ThatAreJoinedHaveTheRegrowthsOfThePutsThatWereFollowed) {
  std::vector<model::PoolBurstRecord> bursts = alike(pool("a", 0));
  for (unsigned i = 0; i < 2;
       ++i) {  // a fifth of a second together: 200 puts, of which the 100 of one burst were followed
    auto brief = pool_burst(50 + i, {pool("a", 100)});
    brief.window.length_ns = brief.window.cpu_ns = 100 * kMillisecondNs;
    brief.pools.front().regrowths_known = i == 1;
    brief.pools.front().regrowths = i == 1 ? 50 : 0;
    bursts.push_back(brief);
  }
  const auto summary = only_pool(bursts);
  EXPECT_NEAR(summary.regrowths_per_second->value, summary.puts_per_second->value / 2, 1e-9);
}

TEST(PoolIdle, IsWhatWasLastRead) {
  auto early = pool_burst(0, {pool("a", 100)}), late = pool_burst(1, {pool("a", 100)}),
       unread = pool_burst(2, {pool("a", 100)});
  early.pools.front().idle = model::PoolIdle{7, 2, 2000};
  late.pools.front().idle = model::PoolIdle{9, 3, 6000};
  const auto summary = only_pool({early, late, unread});
  EXPECT_EQ(summary.idle, 9u);
  EXPECT_EQ(summary.idle_bytes, 18'000u) << "nine of the mean capacity of three";
}

TEST(PoolIdle, IsWhatWasLastReadAlsoWhereShortWindowsAreJoined) {
  auto bursts = alike(pool("a", 100));
  for (const unsigned at : {5u, 50u}) {
    auto brief = pool_burst(at, {pool("a", 100)});
    brief.window.length_ns = brief.window.cpu_ns = 100 * kMillisecondNs;
    bursts.insert(at < bursts.size() ? bursts.begin() + at : bursts.end(), brief);
  }
  bursts[5].pools.front().idle = model::PoolIdle{7, 0, 0};
  bursts[6].pools.front().idle = model::PoolIdle{9, 0, 0};
  EXPECT_EQ(only_pool(bursts).idle, 9u);
}

TEST(PoolIdle, AddsUpOverProcessesAndPoolsOfOneName) {
  auto one = pool("a", 100);
  one.idle = model::PoolIdle{4, 0, 0};
  const auto summary = only_pool({pool_burst(0, {one, one}), pool_burst(1, {one}, 2)});
  EXPECT_EQ(summary.idle, 12u);
  EXPECT_FALSE(summary.idle_bytes) << "they hold no buffer";
}

TEST(PoolIdle, OfAProcessThatEndedIsGone) {
  auto one = pool("a", 100);
  one.idle = model::PoolIdle{4, 0, 0};
  const std::vector bursts{pool_burst(0, {one}, 1), pool_burst(1, {one}, 2)};
  const std::vector running{bursts[1].process};
  EXPECT_EQ(summarize_pools(bursts, {}, TargetTotals{1, {}}, running).front().idle, 4u);
  EXPECT_EQ(summarize_pools(bursts, {}, TargetTotals{1, {}}, {}).front().idle, 8u) << "none runs: what was last known";
}

TEST(PoolIdle, IsAbsentWhereItWasNotRead) {
  EXPECT_FALSE(only_pool({pool_burst(0, {pool("a", 100)})}).idle);
}

}  // namespace
}  // namespace poolscope::estimate::testing
