#include "pools/sizing/capacity.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace poolscope::sizing {
namespace {

Prices some_prices() {
  Prices prices;
  prices.allocation_ns = {{64, 20}, {4096, 60}, {131072, 4000}};
  return prices;
}

BufferUse needing(Shares needed) {
  BufferUse use;
  use.needed_bytes = std::move(needed);
  use.uses_seen = 10'000;
  use.growth_factor = 2;
  use.hold_seconds = 1e-3;
  use.idle_seconds = 10e-3;
  return use;
}

// The cost of one use, step by step as a program would have it.
double played_ns(const BufferUse& use, const Prices& prices, std::uint64_t capacity, std::uint64_t needed) {
  double ns = static_cast<double>(capacity) * use.idle_seconds * 1e9 / prices.bytes_per_core;
  ns += use.made_ratio * prices.allocation(capacity);
  if (needed <= capacity)
    return ns + static_cast<double>(capacity - needed) * use.hold_seconds * 1e9 / prices.bytes_per_core;
  double growing = 0;
  const double enough = static_cast<double>(needed) / 1.125;
  for (double size = static_cast<double>(capacity); growing == 0 || size < enough;) {
    growing += size * prices.copy_ns_per_byte;
    size = *use.growth_factor == kAtOnce ? static_cast<double>(needed) : size * *use.growth_factor;
    growing += prices.allocation(static_cast<std::uint64_t>(size));
  }
  return ns + use.fresh_ratio * growing;
}

Shares drawn(std::mt19937& random) {
  std::uniform_int_distribution<std::uint64_t> bytes(16, 60'000);
  std::uniform_real_distribution<double> weight(0.1, 1);
  std::vector<std::uint64_t> sizes(20);
  for (auto& size : sizes) size = bytes(random);
  std::ranges::sort(sizes);
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  Shares shares;
  double sum = 0;
  for (const auto size : sizes) sum += shares.emplace_back(size, weight(random)).second;
  for (auto& [size, share] : shares) share /= sum;
  return shares;
}

TEST(Prices, GoInProportionBetweenTwoMeasuredSizesAndAreConstantOutside) {
  const Prices prices = some_prices();
  EXPECT_DOUBLE_EQ(prices.allocation(1), 20);
  EXPECT_DOUBLE_EQ(prices.allocation(64), 20);
  EXPECT_DOUBLE_EQ(prices.allocation(2080), 40);
  EXPECT_DOUBLE_EQ(prices.allocation(1 << 30), 4000);
  EXPECT_DOUBLE_EQ(Prices{}.allocation(64), 0) << "nothing is measured";
}

TEST(CostOfCapacity, IsTheMeanOverUsesPlayedOneByOne) {
  std::mt19937 random(7);
  const Prices prices = some_prices();
  for (int round = 0; round < 50; ++round) {
    BufferUse use = needing(drawn(random));
    use.fresh_ratio = round % 2 == 0 ? 1 : 0.3;
    use.made_ratio = round % 3 == 0 ? 0 : 0.2;
    use.growth_factor = round % 4 == 0 ? kAtOnce : 1 + round % 4;
    for (const std::uint64_t capacity : {16, 1000, 4096, 40'000, 65'536}) {
      double mean = 0;
      for (const auto& [needed, share] : use.needed_bytes) mean += share * played_ns(use, prices, capacity, needed);
      EXPECT_NEAR(cost_of_capacity(use, prices, capacity).ns_per_use, mean, 1e-9 * mean + 1e-9);
    }
  }
}

TEST(ChooseCapacity, IsWithinTwoPercentOfTheCheapestSizeOfTheAllocator) {
  std::mt19937 random(11);
  const Prices prices = some_prices();
  for (int round = 0; round < 50; ++round) {
    const BufferUse use = needing(drawn(random));
    const auto choice = choose_capacity(use, prices, Allocator::kJemalloc, 0);
    ASSERT_TRUE(choice);
    double least = 1e300;
    for (std::uint64_t size = 16; size < 80'000; size = usable_bytes(Allocator::kJemalloc, size + 1)) {
      if (size >= quantile_of(use.needed_bytes, 0.1) &&
          size <= usable_bytes(Allocator::kJemalloc, quantile_of(use.needed_bytes, 0.999)))
        least = std::min(least, cost_of_capacity(use, prices, size).ns_per_use);
    }
    EXPECT_LE(cost_of_capacity(use, prices, choice->best_bytes).ns_per_use, least * (1 + kFlatRatio) + 1e-9);
  }
}

TEST(ChooseCapacity, TakesTheLargestNeededWhenMemoryIsFree) {
  Prices prices = some_prices();
  prices.bytes_per_core = 0;
  const auto choice = choose_capacity(needing({{100, 0.5}, {5000, 0.5}}), prices, Allocator::kJemalloc, 0);
  EXPECT_EQ(choice->best_bytes, 5120u);
}

TEST(ChooseCapacity, TakesTheSmallestWhenMemoryIsDear) {
  Prices prices = some_prices();
  prices.bytes_per_core = 1;
  const auto choice = choose_capacity(needing({{100, 0.5}, {5000, 0.5}}), prices, Allocator::kJemalloc, 0);
  EXPECT_EQ(choice->best_bytes, 112u);
}

TEST(ChooseCapacity, AgreesWithTheNewsvendorWhereGrowingHasOnePrice) {
  // Growing costs 1000 ns whatever the size; holding costs h per byte and use, idle or not: the optimum is where h of one more byte equals
  // 1000 ns times the density of needs, here of an exponential with mean 1000: C* = -1000 ln(h).
  Prices prices;
  prices.allocation_ns = {{1, 1000}};
  prices.copy_ns_per_byte = 0;
  prices.bytes_per_core = 1e9;
  BufferUse use;
  use.growth_factor = 1e6;
  use.idle_seconds = 0.05;
  for (std::uint64_t bytes = 8; bytes <= 16'000; bytes += 8)
    use.needed_bytes.emplace_back(
        bytes, std::exp(-(static_cast<double>(bytes) - 8) / 1000) - std::exp(-static_cast<double>(bytes) / 1000));
  const auto choice = choose_capacity(use, prices, Allocator::kGlibc, 0);
  const double optimum = -1000 * std::log(0.05);
  EXPECT_GE(optimum * 1.05, static_cast<double>(choice->flat_from_bytes));
  EXPECT_LE(optimum * 0.95, static_cast<double>(choice->flat_to_bytes));
}

TEST(ChooseCapacity, SaysARangeWhereSizesCostTheSame) {
  Prices prices = some_prices();
  prices.bytes_per_core = 0;
  const auto choice =
      choose_capacity(needing({{32'768, 0.001}, {36'000, 0.999}}), prices, Allocator::kJemalloc, 65'536);
  EXPECT_EQ(choice->flat_from_bytes, 40'960u);
  EXPECT_EQ(choice->flat_to_bytes, 65'536u) << "the current one is a candidate";
}

TEST(ChooseCapacity, OfNothingNeededIsNothing) {
  EXPECT_FALSE(choose_capacity({}, some_prices(), Allocator::kGlibc, 64));
}

TEST(CapacitySaving, IsTheDifferenceOfTheCostsWithAnIntervalThatNarrowsWithUses) {
  const Prices prices = some_prices();
  BufferUse use = needing({{100, 0.9}, {5000, 0.1}});
  const Interval few = capacity_saving(use, prices, 64, 5120);
  EXPECT_NEAR(few.value, cost_of_capacity(use, prices, 64).ns_per_use - cost_of_capacity(use, prices, 5120).ns_per_use,
              1e-9);
  use.uses_seen *= 100;
  const Interval many = capacity_saving(use, prices, 64, 5120);
  EXPECT_NEAR(few.high - few.low, 10 * (many.high - many.low), 1e-9);
  use.uses_seen = 11;
  EXPECT_EQ(capacity_saving(use, prices, 64, 5120).low, few.value) << "too few uses for an interval";
}

TEST(CapacitySaving, ReachesFromGrowingAtOnceToDoublingWhereThatIsNotKnown) {
  const Prices prices = some_prices();
  BufferUse use = needing({{30'000, 1}});
  const Interval doubling = capacity_saving(use, prices, 1024, 32768);
  use.growth_factor = kAtOnce;
  const Interval at_once = capacity_saving(use, prices, 1024, 32768);
  use.growth_factor.reset();
  const Interval either = capacity_saving(use, prices, 1024, 32768);
  EXPECT_LT(at_once.value, doubling.value);
  EXPECT_EQ(either.low, at_once.low);
  EXPECT_EQ(either.high, doubling.high);
}

TEST(CapacitySaving, OfBuffersThatGrowAtOnceIsOneAllocation) {
  Prices prices = some_prices();
  prices.bytes_per_core = 0;
  BufferUse use = needing({{32'768, 1}});
  use.growth_factor = kAtOnce;
  use.made_ratio = 1;
  EXPECT_NEAR(capacity_saving(use, prices, 64, 32'768).value, prices.allocation(64) + 64 * prices.copy_ns_per_byte,
              1e-9);
}

TEST(CapacitySaving, HoldsTheTruthInNineteenOfTwentySamples) {
  const Prices prices = some_prices();
  const BufferUse truth = needing({{64, 0.5}, {1000, 0.3}, {8000, 0.15}, {30'000, 0.05}});
  const double saved = capacity_saving(truth, prices, 1024, 8192).value;
  std::mt19937 random(3);
  std::discrete_distribution<std::size_t> draw({0.5, 0.3, 0.15, 0.05});
  int held = 0;
  constexpr int kSamples = 1000;
  for (int sample = 0; sample < kSamples; ++sample) {
    BufferUse seen = truth;
    seen.uses_seen = 400;
    for (auto& [bytes, share] : seen.needed_bytes) share = 0;
    for (int i = 0; i < 400; ++i) seen.needed_bytes[draw(random)].second += 1 / 400.0;
    const Interval told = capacity_saving(seen, prices, 1024, 8192);
    held += told.low <= saved && saved <= told.high ? 1 : 0;
  }
  EXPECT_GE(held, kSamples * 92 / 100);
}

TEST(ChooseRetainedLimit, IsTheCheapestOfAllLimits) {
  std::mt19937 random(5);
  const Prices prices = some_prices();
  for (int round = 0; round < 50; ++round) {
    const Shares capacities = drawn(random);
    const double idle_seconds = round * 0.002;
    const auto cost = [&](std::uint64_t limit) {
      double ns = 0;
      for (const auto& [bytes, share] : capacities)
        ns += share * (bytes > limit ? prices.allocation(bytes)
                                     : static_cast<double>(bytes) * idle_seconds * prices.byte_second_ns());
      return ns;
    };
    double least = cost(~std::uint64_t{0});
    for (const auto& [bytes, share] : capacities) least = std::min(least, cost(bytes));
    const auto limit = choose_retained_limit(capacities, prices, idle_seconds);
    EXPECT_NEAR(cost(limit.value_or(~std::uint64_t{0})), least, 1e-9);
  }
}

TEST(ChooseRetainedLimit, IsNoneWhereNothingIsTooLarge) {
  EXPECT_FALSE(choose_retained_limit({}, some_prices(), 1));
  EXPECT_FALSE(choose_retained_limit({{100, 1}}, some_prices(), 1));
  EXPECT_FALSE(choose_retained_limit({{100, 0.5}, {200, 0.5}}, some_prices(), 1e-6));
}

}  // namespace
}  // namespace poolscope::sizing
