#include "agent/estimate/exact.h"

#include <gtest/gtest.h>

#include "agent/estimate/rate.h"
#include "tests/unit/estimate/make_records.h"

namespace poolscope::estimate::testing {
namespace {

model::BurstRecord exact_record(unsigned at, std::uint64_t allocations, int pid = 1) {
  auto record = cohort(at, std::vector<std::uint64_t>(allocations, 1000), {}, 20 * kMillisecondNs);
  record.kind = model::BurstKind::kExact;
  record.process.pid = pid;
  record.free_window = record.allocation_window;
  record.allocation_window.charge_ns = kSecondNs / 2;
  record.counts.frees = allocations;
  record.counts.allocated_bytes = 100 * allocations;
  record.size_bytes.add(15, static_cast<double>(allocations));
  record.frees_of_older = 2;
  record.call_sites = {{{{"main", "/bin/a", 1, ""}}, allocations, 100 * allocations, 0, 0}};
  return record;
}

TEST(Exact, RatesAreCountsOverWallTimeWithoutInterval) {
  std::vector<model::BurstRecord> records;
  for (unsigned i = 0; i < 20; ++i) records.push_back(exact_record(i, 10));
  const auto target = summarize_all(records, {});
  EXPECT_TRUE(target.exact);
  EXPECT_DOUBLE_EQ(target.allocations.per_second->value, 10);
  EXPECT_FALSE(target.allocations.per_second->low);
  EXPECT_DOUBLE_EQ(target.allocations.frees_per_second->value, 10);
  EXPECT_DOUBLE_EQ(target.allocations.bytes_per_second->value, 1000);
  EXPECT_EQ(target.allocations.counted.allocations, 200u);
  EXPECT_EQ(target.allocations.counted.frees_of_older, 40u);
}

TEST(Exact, ProcessesTracedAtTheSameTimeShareTheWallTime) {
  const auto target = summarize_all({exact_record(0, 10, 1), exact_record(0, 30, 2)}, {stratum(2)});
  EXPECT_DOUBLE_EQ(target.allocations.per_second->value, 40);
}

TEST(Exact, CallSitesAreCounted) {
  const auto target = summarize_all({exact_record(0, 10), exact_record(1, 30)}, {});
  ASSERT_EQ(target.call_sites.size(), 1u);
  EXPECT_EQ(target.call_sites[0].counted_calls, 40u);
  EXPECT_EQ(target.call_sites[0].counted_bytes, 4000u);
  EXPECT_DOUBLE_EQ(target.call_sites[0].per_second->value, 20);
  EXPECT_DOUBLE_EQ(target.call_sites[0].share_ratio, 1);
}

TEST(Exact, GrowthChainsAreCountedWithoutBirths) {
  auto record = exact_record(0, 10);
  record.lifetimes = {};
  record.growth_chains.resize(1);
  record.growth_chains[0].chains = 4;
  record.growth_chains[0].copied_bytes = 400;
  const auto chains = summarize_all({record}, {}).growth_chains;
  EXPECT_EQ(chains[0].counted_chains, 4u);
  EXPECT_EQ(chains[0].counted_copied_bytes, 400u);
  EXPECT_DOUBLE_EQ(chains[0].per_second->value, 4);
}

TEST(Exact, LifetimesAndSizesHaveNoInterval) {
  std::vector<model::BurstRecord> records;
  for (unsigned i = 0; i < 20; ++i) records.push_back(exact_record(i, 10));
  const auto target = summarize_all(records, {});
  EXPECT_DOUBLE_EQ(target.allocations.lifetime->below.at(0.01).value, 1);
  EXPECT_FALSE(target.allocations.lifetime->below.at(0.01).low);
  EXPECT_FALSE(target.allocations.churn_ratio->low);
  EXPECT_EQ(target.allocations.size_bytes->p50, 15u);
}

TEST(Exact, IsNotSaidWhenOneRecordIsASample) {
  EXPECT_FALSE(summarize_all({exact_record(0, 10), rate_burst(1, 10)}, {stratum(1)}).exact);
  EXPECT_FALSE(summarize_all({}, {}).exact);
}

TEST(CoveredTime, CountsOverlapsOnceAndLeavesOutGaps) {
  const auto window = [](std::uint64_t start_s, std::uint64_t length_s) {
    CountedWindow counted;
    counted.window.start_ns = start_s * kSecondNs;
    counted.window.length_ns = length_s * kSecondNs;
    return counted;
  };
  const std::vector windows = {window(10, 2), window(0, 4), window(1, 1), window(3, 2)};
  EXPECT_EQ(union_ns(windows), 7 * kSecondNs);
  EXPECT_EQ(union_ns({}), 0u);
}

}  // namespace
}  // namespace poolscope::estimate::testing
