#include "agent/estimate/price_check.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace poolscope;
using estimate::check_pool_price;
using estimate::check_price;
using estimate::PriceCheck;
using model::BurstRecord;
using model::StratumRecord;

// A target that needs `cpu_per_call_ns` per read call, watched by hits that really cost `true_price_ns` and are charged
// `charged_price_ns`.
struct World {
  double cpu_per_call_ns = 5000, true_price_ns = 900, charged_price_ns = 720, hits_per_call = 6;
  double noise = 0;  // relative, of the CPU time of a window
  std::mt19937_64 random{7};

  double disturbance() { return noise > 0 ? std::normal_distribution<double>(1, noise)(random) : 1; }

  BurstRecord burst(std::uint64_t calls) {
    const double hits = static_cast<double>(calls) * hits_per_call;
    BurstRecord record;
    record.kind = model::BurstKind::kRate;
    record.allocation_window.length_ns = 5'000'000;
    record.allocation_window.cpu_ns = static_cast<std::uint64_t>(
        (static_cast<double>(calls) * cpu_per_call_ns + hits * true_price_ns) * disturbance());
    record.allocation_window.charge_ns = static_cast<std::uint64_t>(hits * charged_price_ns);
    record.allocation_window.work.io_calls = calls;
    record.charge_ns = record.allocation_window.charge_ns;
    return record;
  }

  // Strata of the whole time: the bursts and what happens outside them.
  std::vector<StratumRecord> strata(const std::vector<BurstRecord>& bursts) const {
    std::vector<StratumRecord> result;
    for (const auto& burst : bursts) {
      constexpr std::uint64_t kCallsOutside = 40'000;
      StratumRecord stratum;
      stratum.length_ns = 400'000'000;
      stratum.target_cpu_ns =
          burst.allocation_window.cpu_ns + static_cast<std::uint64_t>(kCallsOutside * cpu_per_call_ns);
      stratum.work.io_calls = *burst.allocation_window.work.io_calls + kCallsOutside;
      result.push_back(stratum);
    }
    return result;
  }

  std::vector<BurstRecord> bursts(std::size_t count, std::uint64_t calls) {
    std::vector<BurstRecord> result;
    for (std::size_t i = 0; i < count; ++i) result.push_back(burst(calls + i % 7));
    return result;
  }
};

PriceCheck check(const std::vector<BurstRecord>& bursts, const std::vector<StratumRecord>& strata) {
  return check_price(bursts, strata, &BurstRecord::allocation_window);
}

TEST(PriceCheck, FindsThatHitsAreDearerThanCalibrated) {
  World world;
  const auto bursts = world.bursts(24, 300);
  const auto price = check(bursts, world.strata(bursts));
  EXPECT_TRUE(price.is_measured);
  EXPECT_NEAR(price.factor, 900.0 / 720.0, 0.01);
  EXPECT_LT(price.standard_error, 0.05);
}

TEST(PriceCheck, LeavesARightPriceAlone) {
  World world;
  world.charged_price_ns = world.true_price_ns;
  const auto bursts = world.bursts(24, 300);
  EXPECT_NEAR(check(bursts, world.strata(bursts)).factor, 1, 0.01);
}

TEST(PriceCheck, KeepsThePriorWithoutAWorkCounter) {
  World world;
  auto bursts = world.bursts(24, 300);
  for (auto& burst : bursts) burst.allocation_window.work = {};
  const auto price = check(bursts, world.strata(world.bursts(24, 300)));
  EXPECT_FALSE(price.is_measured);
  EXPECT_DOUBLE_EQ(price.factor, 1);
  EXPECT_DOUBLE_EQ(price.standard_error, PriceCheck::kPriorError);
}

// A process that is busy for a fifth of the time. Windows of two milliseconds in which hits were charged with 0.4 ms, and took `factor`
// times that.
struct WaitingWorld {
  std::vector<BurstRecord> bursts;
  std::vector<StratumRecord> strata;

  explicit WaitingWorld(double factor, std::uint64_t late_ns = 0) {
    constexpr double kShare = 0.2;
    for (unsigned i = 0; i < 24; ++i) {
      BurstRecord& burst = bursts.emplace_back();
      auto& window = burst.allocation_window;
      window.length_ns = 2'000'000;
      window.charge_ns = burst.charge_ns = 300'000 + 10'000 * i;
      window.late_ns = late_ns;
      const double taken_ns = factor * static_cast<double>(window.charge_ns);
      const double own_ns = kShare * (2e6 - factor * static_cast<double>(late_ns));
      window.cpu_ns = static_cast<std::uint64_t>(own_ns + taken_ns);
      StratumRecord& stratum = strata.emplace_back();
      stratum.length_ns = 1'000'000'000;
      stratum.target_cpu_ns = window.cpu_ns + static_cast<std::uint64_t>(kShare * (1e9 - 2e6));
    }
  }
};

TEST(PriceCheck, OfAProcessThatMostlyWaitsComparesWithTimeOutside) {
  const WaitingWorld on_time(1.6), late(1.6, 200'000);
  EXPECT_TRUE(check(on_time.bursts, on_time.strata).is_measured);
  EXPECT_NEAR(check(on_time.bursts, on_time.strata).factor, 1.6, 0.01);
  EXPECT_NEAR(check(late.bursts, late.strata).factor, 1.6, 0.01);
}

TEST(PriceCheck, DoesNotTakeHitsForCheapWhereWorkWaitsForAnswers) {
  const WaitingWorld answering(0.6);
  EXPECT_EQ(check(answering.bursts, answering.strata).factor, 1);
}

TEST(PriceCheck, KeepsThePriorWhenTheProcessOnlyWaited) {
  WaitingWorld asleep(1.6);
  for (auto& burst : asleep.bursts) burst.allocation_window.cpu_ns = burst.allocation_window.charge_ns = 0;
  EXPECT_EQ(check(asleep.bursts, asleep.strata).factor, 1);
}

TEST(PriceCheck, OfWindowsThatNobodyFollowedIsNotComparedWithTime) {
  WaitingWorld old(1.6);
  for (auto& burst : old.bursts) burst.allocation_window.late_ns.reset();
  EXPECT_FALSE(check(old.bursts, old.strata).is_measured);
}

TEST(PriceCheck, KeepsThePriorWhenTheWindowsSawLittleWork) {
  World world;
  const auto bursts = world.bursts(24, 3);
  EXPECT_FALSE(check(bursts, world.strata(bursts)).is_measured);
}

TEST(PriceCheck, KeepsThePriorForFewBursts) {
  World world;
  const auto bursts = world.bursts(5, 300);
  EXPECT_FALSE(check(bursts, world.strata(bursts)).is_measured);
}

TEST(PriceCheck, TrustsNoisyWorkLess) {
  World world;
  world.noise = 0.6;
  const auto bursts = world.bursts(8, 300);
  const auto price = check(bursts, world.strata(bursts));
  EXPECT_LT(std::abs(price.factor - 1), 0.6);
  EXPECT_GT(price.standard_error, 0.1);
}

TEST(PriceCheck, TakesWaitsWhereThereAreNoCalls) {
  World world;
  auto bursts = world.bursts(24, 300);
  auto strata = world.strata(bursts);
  for (auto& burst : bursts) std::swap(burst.allocation_window.work.io_calls, burst.allocation_window.work.waits);
  for (auto& stratum : strata) std::swap(stratum.work.io_calls, stratum.work.waits);
  EXPECT_NEAR(check(bursts, strata).factor, 900.0 / 720.0, 0.01);
}

// The same world as a Go program that allocates 16 KiB per call, seen by probes on its pools.
std::vector<model::PoolBurstRecord> as_pools(const std::vector<BurstRecord>& bursts) {
  std::vector<model::PoolBurstRecord> pools;
  for (const auto& burst : bursts) {
    model::PoolBurstRecord& pool = pools.emplace_back();
    pool.window = burst.allocation_window;
    pool.window.work = {{}, {}, *burst.allocation_window.work.io_calls << 14};
    pool.charge_ns = burst.charge_ns;
  }
  return pools;
}

std::vector<StratumRecord> with_allocated_bytes(std::vector<StratumRecord> strata) {
  for (auto& stratum : strata) stratum.work = {{}, {}, *stratum.work.io_calls << 14};
  return strata;
}

TEST(PriceCheck, TakesTheBytesThatARuntimeCountsForPools) {
  World world;
  const auto bursts = world.bursts(24, 300);
  const auto price =
      check_pool_price(as_pools(bursts), {}, with_allocated_bytes(world.strata(bursts)), PriceCheck::prior_of_go());
  EXPECT_TRUE(price.is_measured);
  EXPECT_NEAR(price.factor, 900.0 / 720.0, 0.01);
}

TEST(PriceCheck, LeavesTheWindowsOfGrowingSlicesOutOfWhatTheTargetDoesAlone) {
  World world;
  const auto bursts = world.bursts(24, 300);
  auto growth = bursts;  // as many again: half of all CPU time outside would be wrong without them
  auto strata = with_allocated_bytes(world.strata(bursts));
  for (std::size_t i = 0; i < growth.size(); ++i) {
    growth[i].allocation_window.work = as_pools(bursts)[i].window.work;
    *strata[i].target_cpu_ns += growth[i].allocation_window.cpu_ns;
    *strata[i].work.allocated_bytes += *growth[i].allocation_window.work.allocated_bytes;
  }
  EXPECT_NEAR(check_pool_price(as_pools(bursts), growth, strata, {}).factor, 900.0 / 720.0, 0.01);
}

TEST(PriceCheck, KeepsThePriorWhenWindowsAreOpenNearlyAllTheTime) {
  World world;
  const auto bursts = world.bursts(24, 300);
  auto strata = with_allocated_bytes(world.strata(bursts));
  for (std::size_t i = 0; i < strata.size(); ++i) {
    strata[i].target_cpu_ns = bursts[i].allocation_window.cpu_ns * 10 / 9;
    strata[i].work.allocated_bytes = *bursts[i].allocation_window.work.io_calls << 15;
  }
  EXPECT_FALSE(check_pool_price(as_pools(bursts), {}, strata, {}).is_measured);
}

TEST(PriceCheck, KeepsThePriorOfItsRuntimeWhenLittleWasAllocated) {
  World world;
  const auto bursts = world.bursts(24, 300);
  auto pools = as_pools(bursts);
  for (auto& pool : pools) *pool.window.work.allocated_bytes >>= 12;
  const auto price = check_pool_price(pools, {}, with_allocated_bytes(world.strata(bursts)), PriceCheck::prior_of_go());
  EXPECT_FALSE(price.is_measured);
  EXPECT_DOUBLE_EQ(price.factor, 1.5);
}

TEST(PriceCheck, MultipliesTheChargeOfAWindow) {
  World world;
  const auto bursts = world.bursts(24, 300);
  const auto price = check(bursts, world.strata(bursts));
  model::Window bare;
  bare.cpu_ns = 1'000'000;
  bare.charge_ns = 100'000;
  EXPECT_NEAR(static_cast<double>(price.corrected(bare).charge_ns), 100'000 * price.factor, 1);
}

TEST(PriceCheck, LeavesBirthsOfCohortsOut) {
  World world;
  auto bursts = world.bursts(24, 300);
  for (auto& burst : bursts) burst.kind = model::BurstKind::kCohort;
  EXPECT_FALSE(check(bursts, world.strata(bursts)).is_measured);
}

}  // namespace
