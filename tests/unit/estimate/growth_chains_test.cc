#include "agent/estimate/growth_chains.h"

#include <gtest/gtest.h>

#include "poolscope/log_linear.h"
#include "tests/unit/estimate/make_records.h"

namespace poolscope::estimate::testing {
namespace {

model::GrowthChainCounts chains(const char* symbol, std::uint64_t count) {
  model::GrowthChainCounts counts;
  counts.frames = {{symbol, "/usr/bin/server", 0x10, ""}};
  counts.chains = count;
  counts.steps = 3 * count;
  counts.copied_bytes = 100 * count;
  counts.first_bytes.add(8, static_cast<double>(count));
  counts.final_bytes.add(15, static_cast<double>(count));
  return counts;
}

model::BurstRecord cohort_with_births(unsigned at, std::uint64_t allocations, std::uint64_t births) {
  auto burst = rate_burst(at, allocations);
  burst.lifetimes.births = births;
  burst.lifetimes.followed_ns = 50 * kMillisecondNs;
  return burst;
}

TEST(GrowthChains, AreChainsPerBirthTimesAllocationsPerSecond) {
  auto burst = cohort_with_births(0, 1000, 250);  // a quarter of the calls was followed
  burst.growth_chains = {chains("append", 5)};
  const auto grown = summarize_all({burst}, {stratum(1)}).growth_chains;
  ASSERT_EQ(grown.size(), 1u);
  EXPECT_EQ(grown[0].symbol, "append");
  EXPECT_NEAR(grown[0].per_second->value, 5 / 250.0 * 1000, 1e-9);
  EXPECT_NEAR(grown[0].copied_bytes_per_second->value, 2000, 1e-9);
  EXPECT_EQ(grown[0].first_bytes, 8u);
  EXPECT_EQ(grown[0].final_bytes_p50, 15u);
  EXPECT_DOUBLE_EQ(grown[0].steps, 3);
  EXPECT_FALSE(grown[0].counted_chains);
}

TEST(GrowthChains, IgnoreBurstsThatFollowedNothing) {
  auto burst = cohort_with_births(0, 100, 100);
  burst.growth_chains = {chains("append", 5)};
  const auto grown = summarize_all({burst, rate_burst(1, 100)}, {stratum(1)}).growth_chains;
  EXPECT_NEAR(grown[0].per_second->value, 5, 1e-9);
}

TEST(GrowthChains, CountCohortsWithoutChains) {
  auto burst = cohort_with_births(0, 100, 100);
  burst.growth_chains = {chains("append", 5)};
  const auto grown = summarize_all({burst, cohort_with_births(1, 100, 100)}, {stratum(1)}).growth_chains;
  EXPECT_NEAR(grown[0].per_second->value, 2.5, 1e-9);
}

TEST(GrowthChains, HaveNoRateWithoutBirths) {
  auto burst = rate_burst(0, 100);
  burst.growth_chains = {chains("append", 5)};
  const auto grown = summarize_all({burst}, {stratum(1)}).growth_chains;
  ASSERT_EQ(grown.size(), 1u);
  EXPECT_FALSE(grown[0].per_second);
  EXPECT_FALSE(grown[0].copied_bytes_per_second);
}

TEST(GrowthChains, MergeByFramesMostFirst) {
  auto first = cohort_with_births(0, 100, 100), second = cohort_with_births(1, 100, 100);
  first.growth_chains = {chains("a", 3), chains("b", 2)};
  second.growth_chains = {chains("b", 4)};
  const auto grown = summarize_all({first, second}, {stratum(1)}).growth_chains;
  ASSERT_EQ(grown.size(), 2u);
  EXPECT_EQ(grown[0].symbol, "b");
  EXPECT_NEAR(grown[0].per_second->value, 3, 1e-9);
}

// --- single growths

// A buffer that grew from `from` bytes by doubling, up to `to`; seen in as many pieces as there are growths.
void add_doublings(model::GrowthChainCounts& counts, std::uint64_t from, std::uint64_t to, std::uint64_t times) {
  counts.is_single_growths = true;
  for (std::uint64_t bytes = from; bytes < to; bytes *= 2) {
    counts.chains += times;
    counts.steps += times;
    counts.copied_bytes += times * bytes;
    counts.first_bytes.add(bytes, static_cast<double>(times));
    counts.final_bytes.add(2 * bytes, static_cast<double>(times));
  }
}

model::GrowthChainCounts growths(const char* symbol) {
  model::GrowthChainCounts counts;
  counts.frames = {{symbol, "/usr/bin/server", 0x10, ""}};
  return counts;
}

TEST(SingleGrowths, MakeTheChainsTheyAreOf) {
  auto burst = cohort_with_births(0, 1000, 1000);
  burst.growth_chains = {growths("append")};
  add_doublings(burst.growth_chains[0], 1024, 65536, 90);
  add_doublings(burst.growth_chains[0], 1024, 4096, 10);
  const auto grown = summarize_all({burst}, {stratum(1)}).growth_chains;
  ASSERT_EQ(grown.size(), 1u);
  EXPECT_TRUE(grown[0].is_inferred);
  EXPECT_EQ(ps_log_linear_index(grown[0].first_bytes), ps_log_linear_index(1024));
  EXPECT_EQ(ps_log_linear_index(grown[0].final_bytes_p50), ps_log_linear_index(65536));
  EXPECT_DOUBLE_EQ(grown[0].steps, 0.9 * 6 + 0.1 * 2);
  EXPECT_NEAR(grown[0].per_second->value, 100, 1e-9);
  EXPECT_NEAR(grown[0].copied_bytes_per_second->value, 90 * (65536 - 1024) + 10 * (4096 - 1024), 1e-6);
}

TEST(SingleGrowths, AreOneChainAlthoughNoBurstSawAllOfIt) {
  auto early = cohort_with_births(0, 100, 100), late = cohort_with_births(1, 100, 100);
  early.growth_chains = {growths("append")};
  late.growth_chains = {growths("append")};
  add_doublings(early.growth_chains[0], 1024, 8192, 20);
  add_doublings(late.growth_chains[0], 8192, 65536, 20);
  const auto grown = summarize_all({early, late}, {stratum(1)}).growth_chains;
  ASSERT_EQ(grown.size(), 1u);
  EXPECT_EQ(ps_log_linear_index(grown[0].first_bytes), ps_log_linear_index(1024));
  EXPECT_EQ(ps_log_linear_index(grown[0].final_bytes_p50), ps_log_linear_index(65536));
  EXPECT_DOUBLE_EQ(grown[0].steps, 6);
}

TEST(SingleGrowths, DoNotMixWithChainsOfTheSamePlace) {
  auto burst = cohort_with_births(0, 100, 100);
  burst.growth_chains = {growths("append"), chains("append", 5)};
  add_doublings(burst.growth_chains[0], 64, 128, 9);
  const auto grown = summarize_all({burst}, {stratum(1)}).growth_chains;
  ASSERT_EQ(grown.size(), 2u);
  EXPECT_TRUE(grown[0].is_inferred);
  EXPECT_FALSE(grown[1].is_inferred);
  EXPECT_NEAR(grown[1].per_second->value, 5, 1e-9);
}

TEST(SingleGrowths, AreCountedAsChainsWhenEveryEventWasTraced) {
  auto burst = cohort_with_births(0, 1000, 1000);
  burst.kind = model::BurstKind::kExact;
  burst.growth_chains = {growths("append")};
  add_doublings(burst.growth_chains[0], 1024, 4096, 7);
  const auto grown = summarize_all({burst}, {stratum(1)}).growth_chains;
  ASSERT_EQ(grown.size(), 1u);
  EXPECT_EQ(grown[0].counted_chains, 7u);
  EXPECT_EQ(grown[0].counted_copied_bytes, 7u * (1024 + 2048));
}

TEST(GrowthChains, LeaveOutRecordsThatFollowedFewerCallers) {
  auto early = cohort_with_births(0, 100, 100), late = cohort_with_births(1, 100, 100);
  early.growth_chains = {chains("operator new", 5)};
  late.growth_chains = {chains("append", 5)};
  late.site_generation = 1;
  const auto grown = summarize_all({early, late}, {stratum(1)}).growth_chains;
  ASSERT_EQ(grown.size(), 1u);
  EXPECT_EQ(grown[0].symbol, "append");
}

// --- slices of Go

model::BurstRecord slice_burst(unsigned at, std::uint64_t count) {
  model::BurstRecord burst = rate_burst(at, 0);
  if (count > 0) burst.growth_chains = {chains("main.read", count)};
  return burst;
}

model::TargetSnapshot of_slices(const std::vector<model::BurstRecord>& slices) {
  const std::vector<model::StratumRecord> strata = {stratum(1)};
  TargetRecords records;
  records.strata = strata;
  records.slice_growth = slices;
  return summarize(records);
}

TEST(SliceGrowth, IsWhatTheWindowsSaw) {
  const std::vector<model::BurstRecord> slices = {slice_burst(0, 30), slice_burst(1, 10)};
  const auto target = of_slices(slices);
  ASSERT_EQ(target.growth_chains.size(), 1u);
  EXPECT_EQ(target.growth_chains[0].symbol, "main.read");
  EXPECT_DOUBLE_EQ(target.growth_chains[0].steps, 3);
  EXPECT_NEAR(target.growth_chains[0].copied_bytes_per_second->value, 100 * target.growth_chains[0].per_second->value,
              1e-6);
}

TEST(SliceGrowth, CountsWindowsWithoutAny) {
  const std::vector<model::BurstRecord> one = {slice_burst(0, 30)}, two = {slice_burst(0, 30), slice_burst(1, 0)};
  const auto of_one = of_slices(one).growth_chains;
  const auto of_two = of_slices(two).growth_chains;
  EXPECT_NEAR(of_two[0].per_second->value, of_one[0].per_second->value / 2, 1e-6);
}

TEST(SliceGrowth, IsNoAllocation) {
  const std::vector<model::BurstRecord> slices = {slice_burst(0, 30)};
  const auto target = of_slices(slices);
  EXPECT_FALSE(target.allocations.per_second);
  EXPECT_EQ(target.cost.bursts.at("taken"), 1u);
}

TEST(SliceGrowth, IsCountedWhenEveryGrowthWasTraced) {
  std::vector<model::BurstRecord> slices = {slice_burst(0, 30)};
  slices[0].kind = model::BurstKind::kExact;
  const auto grown = of_slices(slices).growth_chains;
  EXPECT_EQ(grown[0].counted_chains, 30u);
  EXPECT_EQ(grown[0].counted_copied_bytes, 3000u);
}

}  // namespace
}  // namespace poolscope::estimate::testing
