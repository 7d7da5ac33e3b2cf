#include "agent/advice/price_range.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/advice/cases.h"

namespace poolscope::advice {
namespace {

constexpr double kPriceNs = 60;  // testing::prices() of 4096 bytes

// 100,000 allocations of 4 KiB a second, on which one CPU that is busy all the time spends `share` of it.
model::TargetSnapshot allocating(double share) {
  model::TargetSnapshot target = testing::service();
  target.allocations.per_second = {100'000, 80'000, 125'000};
  target.allocations.size_bytes.emplace();
  target.allocations.size_bytes->buckets = {{4096, 1}};
  target.fresh_pages_per_second = 0;
  target.cpu_share.emplace();
  target.cpu_share->allocator = {share, 0.8 * share, 1.25 * share};
  return target;
}

TEST(PriceRange, AreThePricesWhereSamplesAgree) {
  const PriceRange range = price_range(allocating(100'000 * kPriceNs * 1e-9), testing::prices());
  EXPECT_LT(range.low.allocation(4096), kPriceNs);
  EXPECT_GT(range.high.allocation(4096), kPriceNs);
}

TEST(PriceRange, ReachesFromTheLeastToTheMostThatSamplesSay) {
  const PriceRange range = price_range(allocating(0.03), testing::prices());  // 300 ns each
  EXPECT_NEAR(range.low.allocation(4096), 0.8 * 0.03e9 / 125'000 / 2, 1e-6) << "half of the mean";
  EXPECT_NEAR(range.high.allocation(4096), std::min(1.25 * 0.03e9 / 80'000 * 2, 10 * kPriceNs), 1e-6) << "twice";
  EXPECT_NEAR(range.low.allocation(64), 20.0 / kPriceNs * range.low.allocation(4096), 1e-6) << "of all sizes alike";
}

TEST(PriceRange, TakesCopiesForNoCheaperAndAsDearAsAllocationsAtTheMost) {
  const PriceRange cheap = price_range(allocating(0.001), testing::prices());
  const PriceRange dear = price_range(allocating(0.03), testing::prices());
  const double each_ns = testing::prices().copy_ns_per_byte;
  EXPECT_LT(cheap.high.allocation(4096), kPriceNs);
  EXPECT_EQ(cheap.high.copy_ns_per_byte, each_ns);
  EXPECT_EQ(dear.low.copy_ns_per_byte, each_ns);
  EXPECT_NEAR(dear.high.copy_ns_per_byte / each_ns, dear.high.allocation(4096) / kPriceNs, 1e-6);
}

TEST(PriceRange, TakesCopiesForNoDearerThanAllTimeSpentCopyingIsForWhatGrowingCopies) {
  model::TargetSnapshot target = allocating(0.03);
  target.cpu_share->copy = {0.01, 0.008, 0.012};
  target.growth_chains.resize(1);
  target.growth_chains[0].copied_bytes_per_second = {100e6, {}, {}};
  EXPECT_NEAR(price_range(target, testing::prices()).high.copy_ns_per_byte, 0.12, 1e-6);
}

TEST(PriceRange, CountsWhatThePoolsOwnBuffersCopyWhenTheyGrow) {
  model::TargetSnapshot target = allocating(0.03);
  target.cpu_share->copy = {0.01, 0.008, 0.012};
  model::PoolSummary pool = testing::too_small_buffers();  // 100,000 gets, a tenth with a new buffer
  pool.needed_bytes->buckets = {{65536, 1}};
  pool.regrowths_per_second->value = 4 * pool.misses_per_second->value;  // 4 KiB, doubled four times: 60 KiB copied
  EXPECT_NEAR(price_range(target, pool, testing::prices()).high.copy_ns_per_byte,
              std::max(0.05, 0.012e9 / (10'000 * 61'440.0)), 0.002);
  pool.regrowths_per_second->value /= 4;  // at once: 4 KiB copied
  EXPECT_NEAR(price_range(target, pool, testing::prices()).high.copy_ns_per_byte, 0.012e9 / (10'000 * 4096.0), 0.02);
}

TEST(PriceRange, IsNeverMoreThanTenfold) {
  EXPECT_NEAR(price_range(allocating(0.9), testing::prices()).high.allocation(4096), 10 * kPriceNs, 1e-6);
}

TEST(PriceRange, AreThePricesWithoutSamplesOrARateWithAnInterval) {
  model::TargetSnapshot without_samples = allocating(0.03), from_one_burst = without_samples, traced = without_samples;
  without_samples.cpu_share.reset();
  from_one_burst.allocations.per_second = {100'000, {}, {}};
  traced.exact = true;
  for (const auto* target : {&without_samples, &from_one_burst, &traced}) {
    EXPECT_EQ(price_range(*target, testing::prices()).low, testing::prices());
    EXPECT_EQ(price_range(*target, testing::prices()).high, testing::prices());
  }
}

TEST(PriceRange, HasThePagesThatFaultsTell) {
  model::TargetSnapshot target = allocating(0.03);
  target.cpu_share.reset();
  target.fresh_pages_per_second = 20'000;  // of 100,000
  const sizing::Prices prices = testing::prices();
  const PriceRange range = price_range(target, prices);
  EXPECT_NEAR(range.low.allocation(4096), kPriceNs + 0.1 * prices.page_ns, 1e-6);
  EXPECT_NEAR(range.high.allocation(4096), kPriceNs + 0.4 * prices.cold_page_ns, 1e-6);
}

TEST(PriceRange, HasThePriceOfAPageThatSamplesTell) {
  model::TargetSnapshot target = allocating(0.03);
  target.cpu_share->allocator.reset();
  target.fresh_pages_per_second = 100'000;
  target.cpu_share->page_fault = {0.3, 0.28, 0.32};
  const PriceRange range = price_range(target, testing::prices());
  EXPECT_NEAR(range.low.allocation(4096), kPriceNs + 0.5 * 2800, 1e-6) << "half of the pages at least";
  EXPECT_NEAR(range.high.allocation(4096), kPriceNs + 3200, 1e-6);
}

}  // namespace
}  // namespace poolscope::advice
