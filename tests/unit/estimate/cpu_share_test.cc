#include "agent/estimate/cpu_share.h"

#include <vector>

#include <gtest/gtest.h>

namespace poolscope::estimate {
namespace {

using model::CpuShareRecord;

CpuShareRecord samples(std::uint64_t count) {
  CpuShareRecord record;
  record.samples = count;
  return record;
}

std::optional<model::CpuShare> estimated(const CpuShareRecord& record) {
  return estimate_cpu_share(std::vector{record});
}

// Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I, method 3.
TEST(CpuShare, HasTheIntervalsThatWerePublishedForWilson) {
  CpuShareRecord record = samples(263);
  record.allocator = 81;
  const auto many = estimated(record);
  ASSERT_TRUE(many && many->allocator);
  EXPECT_NEAR(*many->allocator->low, 0.2553, 0.00005);
  EXPECT_NEAR(*many->allocator->high, 0.3662, 0.00005);
  record = samples(148);
  record.copy = 15;
  const auto few = estimated(record);
  ASSERT_TRUE(few && few->copy);
  EXPECT_NEAR(*few->copy->low, 0.0624, 0.00005);
  EXPECT_NEAR(*few->copy->high, 0.1605, 0.00005);
}

TEST(CpuShare, IsAbsentBelowAHundredSamples) {
  EXPECT_FALSE(estimate_cpu_share({}));
  EXPECT_FALSE(estimated(samples(kFewestCpuSamples - 1)));
  EXPECT_TRUE(estimated(samples(kFewestCpuSamples)));
}

TEST(CpuShare, RecordsAddUp) {
  CpuShareRecord first = samples(100), second = samples(300);
  first.allocator = 10;
  second.allocator = 50;
  second.page_fault = 20;
  const auto share = estimate_cpu_share(std::vector{first, second});
  ASSERT_TRUE(share);
  EXPECT_EQ(share->samples, 400u);
  EXPECT_DOUBLE_EQ(share->allocator->value, 0.15);
  EXPECT_DOUBLE_EQ(share->total->value, 0.2);
}

TEST(CpuShare, OfAPartThatWasNeverSeenReachesUpFromZero) {
  const auto share = estimated(samples(1000));
  ASSERT_TRUE(share && share->copy);
  EXPECT_EQ(share->copy->value, 0);
  EXPECT_NEAR(*share->copy->low, 0, 1e-9);
  EXPECT_NEAR(*share->copy->high, 0.00383, 0.00001);  // z^2 / (n + z^2)
}

TEST(CpuShare, SaysNothingOfTheCollectorWhereNothingCollects) {
  CpuShareRecord record = samples(1000);
  EXPECT_FALSE(estimated(record)->gc);
  record.collecting = 1000;
  EXPECT_TRUE(estimated(record)->gc);
}

TEST(CpuShare, WhatCouldBeThePartWidensItUpwards) {
  CpuShareRecord record = samples(1000);
  record.allocator = 100;
  const double without = *estimated(record)->allocator->high;
  record.no_allocator = 40;
  const auto share = estimated(record);
  EXPECT_DOUBLE_EQ(*share->allocator->high, without + 0.04);
  EXPECT_DOUBLE_EQ(share->allocator->value, 0.1);
}

TEST(CpuShare, APartOfWhichTooMuchIsUnknownIsAbsentAndSoIsTheSum) {
  CpuShareRecord record = samples(1000);
  record.allocator = 100;
  record.no_allocator = 60;
  const auto share = estimated(record);
  ASSERT_TRUE(share);
  EXPECT_FALSE(share->allocator);
  EXPECT_FALSE(share->total);
  EXPECT_TRUE(share->copy);
}

}  // namespace
}  // namespace poolscope::estimate
