// Records of stats pages -> what is said of pools that count themselves.
#include "agent/estimate/published_pools.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolscope::estimate {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000, kAll = ~std::uint64_t{0};

model::PoolPageSums frames(std::uint64_t gets, std::uint64_t empty = 0, std::uint64_t known = kAll) {
  model::PoolPageSums sums;
  sums.pool.kind = "published";
  sums.pool.name = "frames";
  sums.known = known;
  sums.counted.gets = sums.counted.puts = gets;
  sums.counted.misses[PS_MISS_EMPTY] = empty;
  sums.state.emplace();
  return sums;
}

class PublishedPools : public testing::Test {
 protected:
  // A look at second `at`, `seconds` after the one before; 0: the first one.
  void add(std::uint64_t at, std::uint64_t seconds, model::PoolPageSums sums, int pid = 1) {
    model::PoolPageRecord record;
    record.process.pid = pid;
    record.start_ns = (at - seconds) * kSecond;
    record.length_ns = seconds * kSecond;
    record.pools.push_back(std::move(sums));
    totals_.add(record);
    records_.push_back(std::move(record));
  }
  [[nodiscard]] std::vector<model::PoolSummary> all(std::vector<model::PoolSummary> others = {}) const {
    add_published_pools(others, totals_, records_);
    return others;
  }
  [[nodiscard]] model::PoolSummary only() const {
    const auto pools = all();
    EXPECT_EQ(pools.size(), 1u);
    return pools.empty() ? model::PoolSummary{} : pools.front();
  }

  PublishedTotals totals_;
  std::vector<model::PoolPageRecord> records_;
};

TEST_F(PublishedPools, CountsBeginWithTheProcess) {
  add(10, 0, frames(1000, 100));
  add(20, 10, frames(50, 5));
  EXPECT_EQ(only().counted.gets, 1050u);
  EXPECT_EQ(only().counted.misses, 105u);
  EXPECT_EQ(only().published->misses.at("empty"), 105u);
}

TEST_F(PublishedPools, ThatAreTooManyAreOne) {
  model::PoolPageRecord record;
  for (std::size_t i = 0; i < PublishedTotals::kMaxPools + 3; ++i) {
    auto sums = frames(10);
    sums.pool.name = std::to_string(100'000 + i);
    sums.state->borrowed = 2;
    record.pools.push_back(std::move(sums));
  }
  totals_.add(record);
  records_.push_back(record);
  EXPECT_TRUE(std::ranges::is_sorted(record.pools, {}, &model::PoolPageSums::pool));
  const auto pools = all();
  ASSERT_EQ(pools.size(), PublishedTotals::kMaxPools + 1);
  const auto other = std::ranges::find(pools, "(other)", &model::PoolSummary::name);
  ASSERT_NE(other, pools.end());
  EXPECT_EQ(other->counted.gets, 30u);
  EXPECT_EQ(other->published->borrowed, 6u);
}

TEST_F(PublishedPools, RatesAreOfTheTimeThatWasWatched) {
  add(10, 0, frames(1000, 100));
  add(20, 10, frames(50, 5));
  EXPECT_EQ(only().gets_per_second, (model::Estimate{5, 5, 5}));
  EXPECT_EQ(only().misses_per_second, (model::Estimate{0.5, 0.5, 0.5}));
  EXPECT_DOUBLE_EQ(only().hit_ratio->value, 0.9);
}

TEST_F(PublishedPools, WithoutGetsMeanwhileTheHitRatioIsThatOfAllTime) {
  add(10, 0, frames(1000, 250));
  add(20, 10, frames(0));
  EXPECT_DOUBLE_EQ(only().hit_ratio->value, 0.75);
  EXPECT_EQ(only().gets_per_second->value, 0);
}

TEST_F(PublishedPools, WithoutAnyGetThereIsNoHitRatio) {
  add(10, 0, frames(0));
  EXPECT_EQ(only().hit_ratio, std::nullopt);
  EXPECT_EQ(only().gets_per_second, std::nullopt) << "one look is no time";
}

TEST_F(PublishedPools, WhatIsNotKnownIsAbsentAndNotZero) {
  add(10, 0, frames(1000, 0, PS_KNOWN_GETS));
  add(20, 10, frames(10, 0, PS_KNOWN_GETS));
  const auto pool = only();
  EXPECT_EQ(pool.counted.gets, 1010u);
  EXPECT_EQ(pool.counted.puts, std::nullopt);
  EXPECT_EQ(pool.counted.misses, std::nullopt);
  EXPECT_EQ(pool.hit_ratio, std::nullopt);
  EXPECT_EQ(pool.puts_per_second, std::nullopt);
  EXPECT_EQ(pool.idle, std::nullopt);
  EXPECT_TRUE(pool.published->misses.empty() && pool.published->discards.empty());
  EXPECT_EQ(pool.published->borrowed, std::nullopt);
  EXPECT_EQ(pool.needed_bytes_reason, "not_published");
}

TEST_F(PublishedPools, ProcessesOfATargetAddUp) {
  add(10, 0, frames(1000), 1);
  add(10, 0, frames(500), 2);
  add(20, 10, frames(50), 1);
  add(20, 10, frames(30), 2);
  EXPECT_EQ(only().counted.gets, 1580u);
  EXPECT_DOUBLE_EQ(only().gets_per_second->value, 8);
}

TEST_F(PublishedPools, StateIsOfTheProcessesThatRun) {
  auto one = frames(10), two = frames(10);
  one.state->borrowed = 3;
  two.state->borrowed = 4;
  add(10, 0, one, 1);
  add(10, 0, two, 2);
  EXPECT_EQ(only().published->borrowed, 7u);
  totals_.end({1, 0});
  EXPECT_EQ(only().published->borrowed, 4u);
}

TEST_F(PublishedPools, WhenNoneRunsTheLastValuesStay) {
  auto last = frames(10);
  last.state->borrowed = 3;
  last.state->limits.max_idle_buffers = 8;
  add(10, 0, last);
  totals_.end({1, 0});
  EXPECT_EQ(only().published->borrowed, 3u);
  EXPECT_EQ(only().published->max_idle_buffers, 8u);
  EXPECT_EQ(only().counted.gets, 10u);
}

TEST_F(PublishedPools, CountsDoNotFallWithTheRecords) {
  add(10, 0, frames(10));
  records_.clear();
  EXPECT_EQ(only().counted.gets, 10u);
}

TEST_F(PublishedPools, HighWaterIsABracketWithThreadsCaches) {
  auto sums = frames(10);
  sums.state->borrowed_high = 30;
  sums.state->cached_capacity = 8;
  add(10, 0, sums);
  EXPECT_EQ(only().published->borrowed_high_water, (model::Estimate{30, 22, 30}));
}

TEST_F(PublishedPools, DistributionsAreOfWhatIsRecentlySeen) {
  auto before = frames(10), later = frames(10);
  before.counted.needed_bytes.add(100'000);
  later.counted.needed_bytes.add(10);
  add(10, 0, before);
  EXPECT_GE(only().needed_bytes->p50, 100'000u);
  add(20, 10, later);
  EXPECT_EQ(only().needed_bytes->p50, 10u);
}

TEST_F(PublishedPools, NamesDifferFromThoseOfOtherPools) {
  add(10, 0, frames(10));
  model::PoolSummary other;
  other.name = "frames";
  EXPECT_THAT(all({other}),
              testing::UnorderedElementsAre(testing::Field(&model::PoolSummary::name, "frames"),
                                            testing::Field(&model::PoolSummary::name, "frames (published)")));
}

TEST_F(PublishedPools, TooManyNamesBecomeOne) {
  for (std::size_t i = 0; i < PublishedTotals::kMaxPools + 5; ++i) {
    auto sums = frames(2);
    sums.pool.name += std::to_string(i);
    add(10, 0, sums);
  }
  EXPECT_EQ(totals_.pools().size(), PublishedTotals::kMaxPools + 1);
  std::uint64_t gets = 0;
  for (const auto& [identity, total] : totals_.pools()) gets += total.counted.gets;
  EXPECT_EQ(gets, 2 * (PublishedTotals::kMaxPools + 5));
}

}  // namespace
}  // namespace poolscope::estimate
