#include "exporters/text/distribution.h"

#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

namespace {

using namespace poolscope::text;
using poolscope::model::BucketList;
using poolscope::model::LifetimeSummary;

double total_share(const std::vector<DistributionRow>& rows) {
  return std::accumulate(rows.begin(), rows.end(), 0.0, [](double sum, const auto& row) { return sum + row.share; });
}

TEST(SizeRows, AreEmptyWithoutWeight) {
  EXPECT_TRUE(size_rows({}).empty());
  EXPECT_TRUE(size_rows({{64, 0}, {128, -1}, {256, std::numeric_limits<double>::quiet_NaN()}}).empty());
}

TEST(SizeRows, GroupByPowersOfTwo) {
  const auto rows = size_rows({{63, 1}, {64, 2}, {127, 1}});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(size_label(rows[0]), "32 – 64 B");
  EXPECT_DOUBLE_EQ(rows[0].share, 0.25);
  EXPECT_EQ(size_label(rows[1]), "64 – 128 B");
  EXPECT_DOUBLE_EQ(rows[1].share, 0.75);
}

TEST(SizeRows, HaveARowForZero) {
  EXPECT_EQ(size_label(size_rows({{0, 1}}).front()), "0 B");
}

TEST(SizeRows, ShowGaps) {
  const auto rows = size_rows({{16, 1}, {64, 1}});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1].share, 0);
}

TEST(SizeRows, MergeTheThinnerEndsWithoutLosingWeight) {
  BucketList buckets;
  for (unsigned bits = 0; bits < 48; ++bits) buckets.emplace_back(std::uint64_t{1} << bits, bits == 20 ? 100 : 1);
  const auto rows = size_rows(buckets);
  EXPECT_EQ(rows.size(), kMaxDistributionRows);
  EXPECT_NEAR(total_share(rows), 1, 1e-12);
  for (std::size_t i = 1; i < rows.size(); ++i) EXPECT_EQ(rows[i].lower, rows[i - 1].upper);
}

TEST(LifetimeRows, EndWithWhatLivedLonger) {
  const LifetimeSummary lifetime{{}, {}, {}, 0.05, {{0.000'5, 0.25}, {0.03, 0.5}}};
  const auto rows = lifetime_rows(lifetime);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(lifetime_label(rows[0]), "100 µs – 1 ms");
  EXPECT_EQ(lifetime_label(rows[1]), "1 – 10 ms");
  EXPECT_EQ(lifetime_label(rows[2]), "10 – 50 ms");
  EXPECT_EQ(lifetime_label(rows[3]), "over 50 ms");
  EXPECT_DOUBLE_EQ(rows[3].share, 0.25);
}

TEST(LifetimeRows, PutAnAgeOnABoundaryBelowIt) {
  const auto rows = lifetime_rows({{}, {}, {}, 0.05, {{0.01, 1.0}}});
  EXPECT_EQ(lifetime_label(rows.front()), "1 – 10 ms");
}

TEST(LifetimeRows, StandAgesThatCannotBe) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(lifetime_rows({{}, {}, {}, 0.05, {{nan, 0.5}, {0.01, nan}}}).empty());
  EXPECT_LE(lifetime_rows({{}, {}, {}, 1e300, {{-1, 0.1}, {0, 0.1}, {1e300, 0.1}}}).size(), kMaxDistributionRows);
}

}  // namespace
