#include "agent/estimate/rate.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/unit/estimate/make_records.h"

namespace poolscope::estimate::testing {
namespace {

std::vector<model::BurstRecord> bursts_of(unsigned count, std::uint64_t allocations, double cpu_seconds = 1) {
  std::vector<model::BurstRecord> bursts;
  for (unsigned i = 0; i < count; ++i) bursts.push_back(rate_burst(i, allocations, cpu_seconds));
  return bursts;
}

TEST(Rate, IsEventsPerCpuSecondTimesCpuSecondsOfTheTarget) {
  const auto target = summarize_all({rate_burst(0, 100, 0.5), rate_burst(1, 300, 1.0)}, {stratum(1.2, 2)});
  // Busy half a second at most of the time: no charge, so the windows stay as long as they were.
  EXPECT_NEAR(target.allocations.per_second->value, 400 / 1.5 * 0.6, 1e-6);
  EXPECT_DOUBLE_EQ(*target.cpu_seconds_per_second, 0.6);
  EXPECT_EQ(target.allocations.counted.allocations, 400u);
}

TEST(Rate, TakesTheChargeOutOfWindowAndTarget) {
  auto burst = rate_burst(0, 800, 1.0);
  burst.allocation_window.charge_ns = burst.charge_ns = kSecondNs / 5;
  const auto target = summarize_all({burst}, {stratum(10, 10)});
  // 800 events in 0.8 CPU seconds; of 10 CPU seconds the probes took 0.2.
  EXPECT_NEAR(target.allocations.per_second->value, 800 / 0.8 * 0.98, 1e-6);
  EXPECT_DOUBLE_EQ(*target.cpu_seconds_per_second, 1);
}

TEST(Rate, TakesTheChargeOfGarbageCollectionsOutOfTheTarget) {
  model::GcRecord collections;
  collections.charge_ns = kSecondNs;
  const std::vector bursts{rate_burst(0, 800, 1.0)};
  const std::vector strata{stratum(10, 10)};
  const std::vector collectors{collections};
  const auto target = summarize({bursts, strata, {}, {}, collectors});
  EXPECT_NEAR(target.allocations.per_second->value, 800 * 0.9, 1e-6);
}

TEST(Rate, GivesAWindowThatProbesSlowedTheWeightOfItsUndilatedLength) {
  auto slowed = rate_burst(0, 500'000);  // half a second of work in one second of a saturated target
  slowed.allocation_window.charge_ns = kSecondNs / 2;
  const auto target = summarize_all({slowed, rate_burst(1, 100'000)}, {stratum(1000, 1000)});
  EXPECT_NEAR(target.allocations.per_second->value, (1'000'000 + 100'000) / 2.0, 1);
}

TEST(Rate, HasTheIntervalOfTheRatioEstimator) {
  std::vector<model::BurstRecord> bursts;
  for (unsigned i = 0; i < 12; ++i) bursts.push_back(rate_burst(i, i % 2 ? 110 : 90));
  const auto rate = *summarize_all(bursts, {stratum(2)}).allocations.per_second;
  const double standard_error = std::sqrt(12 * 100.0 / (11 * 12));
  EXPECT_NEAR(rate.value, 200, 1e-9);
  EXPECT_NEAR(*rate.high, 200 * std::exp(2.201 * standard_error / 100), 0.01);
  EXPECT_NEAR(*rate.low, 200 / std::exp(2.201 * standard_error / 100), 0.01);
}

TEST(Rate, HasNoIntervalBelowTwelveBursts) {
  const auto rate = *summarize_all(bursts_of(11, 100), {stratum(1)}).allocations.per_second;
  EXPECT_DOUBLE_EQ(rate.value, 100);
  EXPECT_FALSE(rate.low || rate.high);
}

TEST(Rate, OfOneBurstIsAValueWithoutInterval) {
  const auto rate = *summarize_all({rate_burst(0, 7)}, {stratum(1)}).allocations.per_second;
  EXPECT_DOUBLE_EQ(rate.value, 7);
  EXPECT_FALSE(rate.low || rate.high);
}

TEST(Rate, OfFewEventsIsNeverSurerThanAPoissonCount) {
  const auto rate = *summarize_all(bursts_of(12, 1), {stratum(1)}).allocations.per_second;
  EXPECT_NEAR(*rate.high / rate.value, std::exp(2.201 * std::sqrt(12.0) / 12), 0.001);
}

TEST(Rate, OfAWindowThatWasFollowedKnowsByHowMuchItWasLate) {
  auto bursts = bursts_of(12, 1000, 0.5);
  for (auto& burst : bursts) {
    burst.allocation_window.charge_ns = kSecondNs / 5;
    burst.allocation_window.late_ns = kSecondNs / 5;
  }
  EXPECT_NEAR(summarize_all(bursts, {stratum(0.2)}).allocations.per_second->value, 1000 / 0.8, 1);
}

TEST(Rate, ThatOneBurstSawAloneReachesFurtherUpThanDown) {
  auto bursts = bursts_of(12, 0);
  bursts[5].counts.allocations = 1200;
  const auto rate = *summarize_all(bursts, {stratum(1)}).allocations.per_second;
  EXPECT_NEAR(rate.value, 100, 1e-9);
  EXPECT_GT(*rate.low, 0);
  EXPECT_GT(*rate.high, 900);
}

TEST(Rate, OfNoEventsIsZeroUpToTheRuleOfThree) {
  const auto rate = *summarize_all(bursts_of(12, 0, 0.5), {stratum(0.6)}).allocations.per_second;
  EXPECT_EQ(rate.value, 0);
  EXPECT_EQ(rate.low, 0);
  EXPECT_NEAR(*rate.high, 3 / (12 * 0.5) * 0.6, 1e-9);
}

TEST(Rate, OfBytesHasNoUpperLimitWhenNothingWasSeen) {
  const auto bytes = *summarize_all(bursts_of(12, 0, 0.5), {stratum(0.25)}).allocations.bytes_per_second;
  EXPECT_EQ(bytes.value, 0);
  EXPECT_FALSE(bytes.high);
}

TEST(Rate, OfAnIdleTargetIsZeroUpToThreeOverTheObservedTime) {
  const auto rate = *summarize_all(bursts_of(12, 0, 0), {stratum(0)}).allocations.per_second;
  EXPECT_EQ(rate.value, 0);
  EXPECT_NEAR(*rate.high, 3.0 / 12, 1e-9);
}

TEST(Rate, OfFewIdleBurstsHasNoUpperLimit) {
  const auto rate = *summarize_all(bursts_of(3, 0, 0), {stratum(0)}).allocations.per_second;
  EXPECT_EQ(rate.value, 0);
  EXPECT_FALSE(rate.high);
}

TEST(Rate, CountsIdleWindowsOfAProcessThatWorksAtOtherTimes) {
  const auto target = summarize_all({rate_burst(0, 0, 0), rate_burst(1, 100, 1)}, {stratum(1, 2)});
  EXPECT_DOUBLE_EQ(target.allocations.per_second->value, 50);
}

TEST(Rate, IsAbsentWhenEventsHaveNoCpuTime) {
  EXPECT_FALSE(summarize_all({rate_burst(0, 5, 0)}, {stratum(1)}).allocations.per_second);
}

TEST(Rate, IsAbsentWithoutStrata) {
  const auto target = summarize_all({rate_burst(0, 5)}, {});
  EXPECT_FALSE(target.allocations.per_second);
  EXPECT_FALSE(target.cpu_seconds_per_second);
}

TEST(Rate, IsAbsentWithoutBursts) {
  const auto target = summarize_all({}, {stratum(0.5, 1, "idle")});
  EXPECT_FALSE(target.allocations.per_second);
  EXPECT_FALSE(target.exact);
  EXPECT_DOUBLE_EQ(*target.cpu_seconds_per_second, 0.5);
}

TEST(Rate, IsAbsentWhenNoWindowHasALength) {
  auto burst = rate_burst(0, 5);
  burst.allocation_window.length_ns = 0;
  EXPECT_FALSE(summarize_all({burst}, {stratum(1)}).allocations.per_second);
}

TEST(Rate, LeavesOutTheEventThatEndedTheWindow) {
  auto burst = rate_burst(0, 11);
  burst.allocation_window.ended_by_count = true;
  EXPECT_NEAR(summarize_all({burst}, {stratum(1)}).allocations.per_second->value, 10, 1e-9);
}

TEST(Rate, CutsAChargeThatIsLargerThanTheCpuTimeAndSaysSo) {
  auto burst = rate_burst(0, 100);
  burst.allocation_window.charge_ns = 5 * kSecondNs;
  const auto target = summarize_all({burst, rate_burst(1, 100)}, {stratum(1000, 1000)});
  EXPECT_EQ(target.cost.clamped_windows, 1u);
  // As if the charge were 80 %: 100 events in 0.2 undilated seconds, and 100 in one second.
  EXPECT_NEAR(target.allocations.per_second->value, (500 + 100) / 2.0, 1e-6);
}

TEST(Rate, IsAbsentWhenProbesTookNearlyAllOfMostWindows) {
  auto bursts = bursts_of(12, 100);
  for (unsigned i = 0; i < 7; ++i) bursts[i].allocation_window.charge_ns = kSecondNs * 98 / 100;
  const auto target = summarize_all(bursts, {stratum(12, 12)});
  EXPECT_FALSE(target.allocations.per_second);
  EXPECT_EQ(target.cost.clamped_windows, 7u);
}

TEST(Rate, OfFreesComesFromFreeWindowsAlone) {
  auto with_frees = rate_burst(0, 10);
  with_frees.free_window = with_frees.allocation_window;
  with_frees.free_window.length_ns = with_frees.free_window.cpu_ns = 2 * kSecondNs;
  with_frees.counts.frees = 60;
  const auto target = summarize_all({with_frees, rate_burst(3, 10)}, {stratum(1)});
  EXPECT_DOUBLE_EQ(target.allocations.frees_per_second->value, 30);
  EXPECT_EQ(target.allocations.counted.frees_of_older, 0u);
}

TEST(Rate, OfFreesCountsCohortsThatTheirHitLimitEndedAmongBirths) {
  std::vector<model::BurstRecord> bursts;
  for (unsigned i = 0; i < 4; ++i) {
    auto& cohort = bursts.emplace_back(rate_burst(i, 0));
    cohort.kind = model::BurstKind::kCohort;
    cohort.frees_beside_allocations = 0;
    cohort.free_window = cohort.allocation_window;
  }
  auto& busy = bursts.back();
  busy.free_window = {};
  busy.allocation_window.ended_by_count = true;
  busy.frees_beside_allocations = 401;
  EXPECT_DOUBLE_EQ(summarize_all(bursts, {stratum(1)}).allocations.frees_per_second->value, 100);
}

// Bursts that count frees alone have no window of allocations.
TEST(Rate, OfFreesIsThatOfBurstsWhichCountThemAlone) {
  std::vector<model::BurstRecord> bursts = bursts_of(12, 100);
  for (unsigned i = 0; i < 12; ++i) {
    auto& burst = bursts.emplace_back();
    burst.kind = model::BurstKind::kFrees;
    burst.process.pid = 1;
    burst.free_window = rate_burst(20 + i, 0).allocation_window;
    burst.counts.frees = 70 + i % 2;
  }
  const auto allocations = summarize_all(bursts, {stratum(1)}).allocations;
  EXPECT_DOUBLE_EQ(allocations.per_second->value, 100);
  EXPECT_NEAR(allocations.frees_per_second->value, 70.5, 1e-9);
  EXPECT_TRUE(allocations.frees_per_second->low);
}

TEST(Rate, OfFreesIsAbsentWhenNobodyLooked) {
  const auto target = summarize_all({rate_burst(0, 10)}, {stratum(1)});
  EXPECT_FALSE(target.allocations.frees_per_second);
  EXPECT_FALSE(target.allocations.counted.frees_of_older);
}

TEST(Rate, OfFreesIsAbsentWhenAHandfulOfWindowsIsAllThatIsKnownBesideAllocations) {
  auto bursts = bursts_of(3, 100);
  for (auto& burst : bursts) {
    burst.free_window = burst.allocation_window;
    burst.counts.frees = 500;
  }
  EXPECT_TRUE(summarize_all(bursts, {stratum(1)}).allocations.frees_per_second)
      << "allocations have no interval either";
  for (const auto& burst : bursts_of(12, 100)) bursts.push_back(burst);
  const auto allocations = summarize_all(bursts, {stratum(1)}).allocations;
  EXPECT_TRUE(allocations.per_second->low);
  EXPECT_FALSE(allocations.frees_per_second);
}

TEST(Rate, CoversBytesAndReallocations) {
  auto burst = rate_burst(0, 10);
  burst.counts.allocated_bytes = 640;
  burst.counts.reallocations = 5;
  const auto target = summarize_all({burst}, {stratum(2)});
  EXPECT_DOUBLE_EQ(target.allocations.bytes_per_second->value, 1280);
  EXPECT_DOUBLE_EQ(target.allocations.reallocations_per_second->value, 10);
}

TEST(Rate, OfBytesIsLessSureWhenFewLargeBlocksCarryThem) {
  auto bursts = bursts_of(12, 100);
  for (auto& burst : bursts) {
    burst.counts.allocated_bytes = 99 * 15 + 1'000'000;
    burst.size_bytes.add(15, 99);
    burst.size_bytes.add(1'000'000, 1);
  }
  const auto bytes = *summarize_all(bursts, {stratum(1)}).allocations.bytes_per_second;
  // Twelve large blocks: a Poisson count of 12 has a standard error of 29 %.
  EXPECT_NEAR(std::log(*bytes.high / bytes.value), 2.201 / std::sqrt(12.0), 0.04);
}

TEST(Rate, DoesNotWeighABusyProcessTwice) {
  // Process 1 is ten times as busy and drawn ten times as often, with ten times the events per CPU second.
  std::vector<model::BurstRecord> bursts = bursts_of(120, 1'000'000, 1.0);
  for (unsigned i = 0; i < 12; ++i) {
    bursts.push_back(rate_burst(200 + i, 10'000, 0.1));
    bursts.back().process.pid = 2;
  }
  const double truth = 1'000'000 * 1.0 + 100'000 * 0.1;
  EXPECT_NEAR(summarize_all(bursts, {stratum(1.1)}).allocations.per_second->value, truth, truth * 1e-6);
}

TEST(Rate, DoesNotDependOnTheOrderOfRecords) {
  std::vector<model::BurstRecord> bursts;
  for (unsigned i = 0; i < 30; ++i) bursts.push_back(rate_burst(i, 100 + 7 * i % 13, 0.1 + 0.03 * (i % 7)));
  const auto forward = *summarize_all(bursts, {stratum(1)}).allocations.per_second;
  std::ranges::reverse(bursts);
  const auto backward = *summarize_all(bursts, {stratum(1)}).allocations.per_second;
  EXPECT_EQ(forward.value, backward.value);
  EXPECT_EQ(forward.low, backward.low);
  EXPECT_EQ(forward.high, backward.high);
}

}  // namespace
}  // namespace poolscope::estimate::testing
