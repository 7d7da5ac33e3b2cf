#include "agent/estimate/sizes.h"

#include <gtest/gtest.h>

#include "tests/unit/estimate/make_records.h"

namespace poolscope::estimate::testing {
namespace {

TEST(Sizes, WeighStrataEquallyThoughTheirWindowsDiffer) {
  // A busy stratum: 1000 calls of 8 bytes in 1 ms. A quiet one: 1000 calls of 12 bytes in 100 ms.
  auto busy = rate_burst(0, 1000);
  busy.allocation_window.length_ns = busy.allocation_window.cpu_ns = kMillisecondNs;
  busy.size_bytes.add(8, 1000);
  auto quiet = rate_burst(1, 1000);
  quiet.allocation_window.length_ns = quiet.allocation_window.cpu_ns = 100 * kMillisecondNs;
  quiet.size_bytes.add(12, 1000);
  const auto target = summarize_all({busy, quiet}, {stratum(1), stratum(1)});

  const double truth = (1e6 + 1e4) / 2, pooled = 2000 / 0.101;
  EXPECT_NEAR(target.allocations.per_second->value, truth, 1);
  EXPECT_GT(truth, 10 * pooled);
  const auto& buckets = target.allocations.size_bytes->buckets;
  ASSERT_EQ(buckets.size(), 2u);
  EXPECT_EQ(buckets[0].first, 8u);
  EXPECT_NEAR(buckets[0].second, 100 / 101.0, 1e-9);
  EXPECT_NEAR(buckets[1].second, 1 / 101.0, 1e-9);
}

TEST(Sizes, GiveQuantiles) {
  auto burst = rate_burst(0, 100);
  burst.size_bytes.add(4, 60);
  burst.size_bytes.add(9, 36);
  burst.size_bytes.add(15, 4);
  const auto sizes = *summarize_all({burst}, {stratum(1)}).allocations.size_bytes;
  EXPECT_EQ(sizes.p50, 4u);
  EXPECT_EQ(sizes.p95, 9u);
  EXPECT_EQ(sizes.p99, 15u);
}

TEST(Sizes, AreKnownWhenTheRateIsNot) {
  auto burst = rate_burst(0, 1, 0);
  burst.size_bytes.add(8);
  EXPECT_EQ(summarize_all({burst}, {}).allocations.size_bytes->p50, 8u);
}

TEST(Sizes, AreAbsentWhenNoneWasSeen) {
  EXPECT_FALSE(summarize_all({rate_burst(0, 0)}, {stratum(1)}).allocations.size_bytes);
}

}  // namespace
}  // namespace poolscope::estimate::testing
