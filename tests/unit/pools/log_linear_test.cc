#include "poolscope/log_linear.h"

#include <gtest/gtest.h>

namespace {

TEST(LogLinear, SmallValuesHaveABucketEach) {
  for (ps_u64 value = 0; value < 16; ++value) {
    EXPECT_EQ(ps_log_linear_index(value), value);
    EXPECT_EQ(ps_log_linear_upper(ps_log_linear_index(value)), value);
  }
}

TEST(LogLinear, EveryValueLiesInsideItsBucket) {
  for (ps_u64 value = 1; value < (1ull << 47); value = value + value / 7 + 1) {
    const unsigned index = ps_log_linear_index(value);
    ASSERT_LE(ps_log_linear_lower(index), value);
    ASSERT_GE(ps_log_linear_upper(index), value);
  }
}

TEST(LogLinear, BucketsTouchWithoutGapOrOverlap) {
  for (unsigned index = 0; index + 1 < PS_LOG_LINEAR_BUCKETS; ++index) {
    EXPECT_EQ(ps_log_linear_upper(index) + 1, ps_log_linear_lower(index + 1));
    EXPECT_EQ(ps_log_linear_index(ps_log_linear_lower(index)), index);
    EXPECT_EQ(ps_log_linear_index(ps_log_linear_upper(index)), index);
  }
}

TEST(LogLinear, BucketsAreAtMostAnEighthWide) {
  for (unsigned index = 16; index < PS_LOG_LINEAR_BUCKETS; ++index) {
    const double lower = static_cast<double>(ps_log_linear_lower(index));
    const double width = static_cast<double>(ps_log_linear_upper(index)) + 1 - lower;
    EXPECT_LE(width / lower, 0.125);
  }
}

TEST(LogLinear, ValuesBeyondTheEndCountInTheLastBucket) {
  EXPECT_EQ(ps_log_linear_index((1ull << 48) - 1), PS_LOG_LINEAR_BUCKETS - 1u);
  EXPECT_EQ(ps_log_linear_index(1ull << 48), PS_LOG_LINEAR_BUCKETS - 1u);
  EXPECT_EQ(ps_log_linear_index(~0ull), PS_LOG_LINEAR_BUCKETS - 1u);
}

}  // namespace
