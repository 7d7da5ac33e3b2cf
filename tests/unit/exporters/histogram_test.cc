#include "exporters/model/histogram.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "poolscope/log_linear.h"

namespace {

using poolscope::model::Histogram;

TEST(Histogram, HasNoQuantileWhenEmpty) {
  const Histogram histogram;
  EXPECT_TRUE(histogram.empty());
  EXPECT_EQ(histogram.quantile(0.5), std::nullopt);
}

TEST(Histogram, GivesTheOnlyValueForEveryQuantile) {
  Histogram histogram;
  histogram.add(13);
  EXPECT_EQ(histogram.quantile(0), 13u);
  EXPECT_EQ(histogram.quantile(0.5), 13u);
  EXPECT_EQ(histogram.quantile(1), 13u);
}

TEST(Histogram, TakesAQuantileOutsideZeroToOneAsTheNearestEnd) {
  Histogram histogram;
  histogram.add(1);
  histogram.add(9);
  EXPECT_EQ(histogram.quantile(-3), 1u);
  EXPECT_EQ(histogram.quantile(7), 9u);
}

TEST(Histogram, IgnoresWeightsThatAreNotPositive) {
  Histogram histogram;
  histogram.add(5, 0);
  histogram.add(5, -1);
  EXPECT_TRUE(histogram.empty());
  EXPECT_TRUE(histogram.buckets().empty());
}

TEST(Histogram, CountsABucketBeyondTheLastInTheLast) {
  Histogram histogram;
  histogram.add_bucket(PS_LOG_LINEAR_BUCKETS + 5, 2);
  ASSERT_EQ(histogram.buckets().size(), 1u);
  EXPECT_EQ(histogram.buckets().begin()->first, unsigned{PS_LOG_LINEAR_BUCKETS - 1});
}

TEST(Histogram, MergesByAddingScaledWeights) {
  Histogram a, b;
  a.add(3, 1);
  b.add(3, 2);
  b.add(8, 4);
  a.merge(b, 0.5);
  EXPECT_EQ(a.total(), 4);
  EXPECT_EQ(a.buckets(), (std::vector<std::pair<unsigned, double>>{{3, 2.0}, {8, 2.0}}));
}

TEST(Histogram, QuantilesAreAtMostOneBucketAboveTheTruth) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    Histogram histogram;
    std::vector<std::uint64_t> values(1 + random() % 300);
    for (auto& value : values) {
      value = random() >> (20 + random() % 40);
      histogram.add(value);
    }
    std::sort(values.begin(), values.end());
    for (const double p : {0.01, 0.5, 0.95, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(values.size())));
      const std::uint64_t truth = values[std::max<std::size_t>(rank, 1) - 1];
      const auto quantile = histogram.quantile(p);
      ASSERT_TRUE(quantile);
      EXPECT_GE(*quantile, truth);
      EXPECT_LE(static_cast<double>(*quantile), static_cast<double>(truth) * 1.125 + 1);
    }
  }
}

}  // namespace
