#include "agent/estimate/lifetimes.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/unit/estimate/make_records.h"

namespace poolscope::estimate::testing {
namespace {

constexpr std::uint64_t kFollowedNs = 50 * kMillisecondNs;

// Each age for ten objects: enough to say something.
std::vector<std::uint64_t> ten_of_each(const std::vector<std::uint64_t>& ages_ns) {
  std::vector<std::uint64_t> all;
  for (const std::uint64_t age_ns : ages_ns) all.insert(all.end(), 10, age_ns);
  return all;
}

std::vector<model::BurstRecord> cohorts_of(unsigned count) {
  std::vector<model::BurstRecord> cohorts;
  for (unsigned i = 0; i < count; ++i) {
    std::vector<std::uint64_t> died_ns(10 + i % 5, 100'000 + 1000 * i), alive_ns(5, kFollowedNs - 1);
    cohorts.push_back(cohort(i, died_ns, alive_ns, kFollowedNs));
  }
  return cohorts;
}

TEST(Lifetimes, OfCohortsAreKaplanMeierShares) {
  const auto target = summarize_all(
      {cohort(0, ten_of_each({500'000, 5'000'000}), ten_of_each({1'000'000, 49'000'000}), kFollowedNs)}, {stratum(1)});
  const auto& lifetime = *target.allocations.lifetime;
  EXPECT_NEAR(lifetime.below.at(0.001).value, 0.25, 1e-9);
  EXPECT_NEAR(lifetime.below.at(0.01).value, 1 - 0.75 * 0.5, 1e-9);
  EXPECT_DOUBLE_EQ(lifetime.identified_below_seconds, 0.05);
}

TEST(Lifetimes, StopWhereNoCohortWasFollowedFurther) {
  const auto lifetime = *summarize_all(cohorts_of(2), {stratum(1)}).allocations.lifetime;
  EXPECT_TRUE(lifetime.below.contains(0.01));
  EXPECT_FALSE(lifetime.below.contains(0.1));
  EXPECT_TRUE(lifetime.p50_seconds);
  EXPECT_FALSE(lifetime.p95_seconds);
}

TEST(Lifetimes, CoverLongAgesWhenFollowedThatFar) {
  const auto target =
      summarize_all({cohort(0, ten_of_each({1000}), ten_of_each({2 * kSecondNs}), 2 * kSecondNs)}, {stratum(1)});
  EXPECT_TRUE(target.allocations.lifetime->below.contains(0.1));
  EXPECT_TRUE(target.allocations.lifetime->below.contains(1.0));
}

TEST(Lifetimes, AreAbsentWithoutBirths) {
  const auto target = summarize_all({rate_burst(0, 100)}, {stratum(1)});
  EXPECT_FALSE(target.allocations.lifetime);
  EXPECT_FALSE(target.allocations.churn_ratio);
  EXPECT_FALSE(target.allocations.churn_age_seconds);
}

TEST(Lifetimes, OfFewerThanTwentyObjectsAreNotTold) {
  const auto few = summarize_all(
      {cohort(0, ten_of_each({1000}), std::vector<std::uint64_t>(9, 49'000'000), kFollowedNs)}, {stratum(1)});
  EXPECT_FALSE(few.allocations.lifetime);
  EXPECT_FALSE(few.allocations.churn_ratio);
  EXPECT_TRUE(
      summarize_all({cohort(0, ten_of_each({1000, 2000}), {}, kFollowedNs)}, {stratum(1)}).allocations.lifetime);
}

TEST(Lifetimes, WeighCohortsByTheRateTheyStandFor) {
  auto busy = cohort(0, ten_of_each({1000}), {}, kFollowedNs);  // its birth window is ten times as short
  busy.allocation_window.length_ns = busy.allocation_window.cpu_ns = kSecondNs / 10;
  const auto quiet = cohort(1, {}, ten_of_each({49'000'000}), kFollowedNs);
  const auto target = summarize_all({busy, quiet}, {stratum(1)});
  EXPECT_NEAR(target.allocations.lifetime->below.at(0.01).value, 10 / 11.0, 1e-9);
}

TEST(ChurnRatio, IsTheShareOfBytesThatDied) {
  auto burst = cohort(0, ten_of_each({1000}), ten_of_each({49'000'000}), kFollowedNs, 300);
  burst.lifetimes.alive_bytes_ns.add(49'000'000, 6000);
  const auto target = summarize_all({burst}, {stratum(1)});
  EXPECT_NEAR(target.allocations.churn_ratio->value, 0.25, 1e-9);
  EXPECT_DOUBLE_EQ(*target.allocations.churn_age_seconds, 0.01);
}

TEST(ChurnRatio, IsGivenAtTheLargestAgeThatWasFollowed) {
  const auto target =
      summarize_all({cohort(0, ten_of_each({1000}), ten_of_each({3'900'000}), 4 * kMillisecondNs)}, {stratum(1)});
  EXPECT_DOUBLE_EQ(*target.allocations.churn_age_seconds, 0.004);
  EXPECT_FALSE(target.allocations.lifetime->below.contains(0.01));
}

TEST(ChurnRatio, IsAbsentWhenObjectsHaveNoBytes) {
  const auto target = summarize_all({cohort(0, ten_of_each({1000, 2000}), {}, kFollowedNs, 0)}, {stratum(1)});
  EXPECT_FALSE(target.allocations.churn_ratio);
  EXPECT_TRUE(target.allocations.lifetime);
}

TEST(LifetimeInterval, IsAbsentBelowTwelveCohorts) {
  const auto few = summarize_all(cohorts_of(11), {stratum(1)});
  EXPECT_FALSE(few.allocations.lifetime->below.at(0.001).low);
  const auto enough = summarize_all(cohorts_of(12), {stratum(1)});
  EXPECT_TRUE(enough.allocations.lifetime->below.at(0.001).low);
  EXPECT_TRUE(enough.allocations.churn_ratio->high);
}

TEST(LifetimeInterval, HoldsTheValueAndStaysBetweenZeroAndOne) {
  const auto share = summarize_all(cohorts_of(60), {stratum(1)}).allocations.lifetime->below.at(0.01);
  EXPECT_GT(*share.low, 0);
  EXPECT_LT(*share.low, share.value);
  EXPECT_GT(*share.high, share.value);
  EXPECT_LT(*share.high, 1);
}

TEST(LifetimeInterval, DoesNotClaimCertaintyWhenEverythingDied) {
  std::vector<model::BurstRecord> cohorts;
  for (unsigned i = 0; i < 12; ++i) cohorts.push_back(cohort(i, {1000, 1000}, {}, kFollowedNs));
  const auto share = summarize_all(cohorts, {stratum(1)}).allocations.lifetime->below.at(0.01);
  EXPECT_DOUBLE_EQ(share.value, 1);
  EXPECT_NEAR(*share.low, 0.8620, 0.001);  // Wilson, 24 of 24
}

TEST(LifetimeInterval, IsTheSameForTheSameRecordsInAnyOrder) {
  auto cohorts = cohorts_of(70);
  const auto forward = summarize_all(cohorts, {stratum(1)}).allocations.lifetime->below.at(0.01);
  std::ranges::reverse(cohorts);
  const auto backward = summarize_all(cohorts, {stratum(1)}).allocations.lifetime->below.at(0.01);
  EXPECT_EQ(forward.value, backward.value);
  EXPECT_EQ(forward.low, backward.low);
  EXPECT_EQ(forward.high, backward.high);
}

TEST(LifetimeBuckets, AreAtMostFortyAndSumToTheShareThatDied) {
  std::vector<std::uint64_t> died_ns;
  for (std::uint64_t age_ns = 100; age_ns < kFollowedNs; age_ns += age_ns / 16 + 1) died_ns.push_back(age_ns);
  const auto target =
      summarize_all({cohort(0, died_ns, std::vector(died_ns.size(), kFollowedNs - 1), kFollowedNs)}, {stratum(1)});
  const auto& buckets = target.allocations.lifetime->buckets;
  EXPECT_GT(buckets.size(), 20u);
  EXPECT_LE(buckets.size(), 40u);
  EXPECT_TRUE(std::ranges::is_sorted(buckets));
  EXPECT_LE(buckets.back().first, 0.05);
  const double sum = std::accumulate(buckets.begin(), buckets.end(), 0.0,
                                     [](double total, const auto& bucket) { return total + bucket.second; });
  EXPECT_NEAR(sum, 0.5, 0.02);
}

TEST(LifetimeBuckets, AreEmptyWhenNothingDied) {
  const auto target = summarize_all({cohort(0, {}, ten_of_each({48'000'000, 49'000'000}), kFollowedNs)}, {stratum(1)});
  EXPECT_TRUE(target.allocations.lifetime->buckets.empty());
  EXPECT_EQ(target.allocations.lifetime->below.at(0.01).value, 0);
}

}  // namespace
}  // namespace poolscope::estimate::testing
