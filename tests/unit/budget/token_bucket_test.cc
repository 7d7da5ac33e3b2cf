#include "agent/budget/token_bucket.h"

#include <random>

#include <gtest/gtest.h>

namespace {

using poolscope::budget::TokenBucket;

constexpr std::uint64_t kSecondNs = 1'000'000'000;

TEST(TokenBucket, EarnsItsShareOfTheTargetsCpuTime) {
  TokenBucket bucket(0.01);
  bucket.earn(2 * kSecondNs, kSecondNs);
  EXPECT_DOUBLE_EQ(bucket.level_ns(), 0.02 * kSecondNs);
}

TEST(TokenBucket, StaysInDebtUntilItIsEarnedBack) {
  TokenBucket bucket(0.01);
  bucket.spend(15'000'000);
  bucket.earn(kSecondNs, kSecondNs);
  EXPECT_LT(bucket.level_ns(), 0);
  bucket.earn(kSecondNs, kSecondNs);
  EXPECT_GT(bucket.level_ns(), 0);
}

TEST(TokenBucket, KeepsAtMostAMinuteOfIncome) {
  TokenBucket bucket(0.01);
  for (int second = 0; second < 1000; ++second) bucket.earn(kSecondNs, kSecondNs);
  EXPECT_DOUBLE_EQ(bucket.level_ns(), TokenBucket::kMaxSavedSeconds * 0.01 * kSecondNs);
}

TEST(TokenBucket, DoesNotTakeBackWhatWasSavedWhenTheTargetFallsAsleep) {
  TokenBucket bucket(0.01);
  for (int second = 0; second < 60; ++second) bucket.earn(kSecondNs, kSecondNs);
  const double saved = bucket.level_ns();
  bucket.earn(0, kSecondNs);
  EXPECT_DOUBLE_EQ(bucket.level_ns(), saved);
}

TEST(TokenBucket, NeverLetsMoreBeSpentThanTheShareAndOneOvershoot) {
  std::mt19937_64 random(1);
  TokenBucket bucket(0.01);
  double used = 0, spent = 0;
  constexpr double kBurstNs = 3e6;
  for (int step = 0; step < 100'000; ++step) {
    const std::uint64_t cpu_ns = random() % 4 == 0 ? random() % kSecondNs : 0;  // comes and goes
    bucket.earn(cpu_ns, kSecondNs / 2);
    used += static_cast<double>(cpu_ns);
    if (bucket.level_ns() <= 0) continue;
    bucket.spend(static_cast<std::uint64_t>(kBurstNs));
    spent += kBurstNs;
    ASSERT_LE(spent, 0.01 * used + kBurstNs);
  }
}

}  // namespace
