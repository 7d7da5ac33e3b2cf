#include "agent/estimate/pool_order.h"

#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/estimate/make_pools.h"

namespace poolscope::estimate::testing {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::FieldsAre;
using ::testing::Not;
using ::testing::Pair;

// 'p' puts, anything else gets.
model::PoolOrderSums order_of(std::string_view events) {
  sizing::MissCurveBuilder builder;
  for (const char event : events) event == 'p' ? builder.put() : builder.get();
  model::PoolOrderSums order;
  order.misses = builder.curve();
  return order;
}

std::string repeated(std::string_view events, unsigned times) {
  std::string all;
  for (unsigned i = 0; i < times; ++i) all += events;
  return all;
}

model::PoolBurstRecord ordered_burst(unsigned at, const model::PoolOrderSums& order) {
  model::PoolSums sums = pool("a", 4000);
  sums.order = order;
  model::PoolBurstRecord burst = pool_burst(at, {sums});
  burst.in_order = true;
  burst.window.ended_by_count = true;
  return burst;
}

// Objects that come back after `hold_ns` each, and `lost` that do not.
model::PoolOrderSums held(unsigned came_back, std::uint64_t hold_ns, unsigned lost, std::uint64_t watched_ns) {
  model::PoolOrderSums order = order_of("gp");
  order.hold_ns.add(hold_ns, came_back);
  order.out_ns.add(watched_ns, lost);
  order.followed_ns.add(watched_ns, came_back + lost);
  return order;
}

// --- miss curve

TEST(PoolMissCurve, HasARatioWhereTheStartDoesNotMatter) {
  const auto summary = only_pool({ordered_burst(0, order_of(repeated("ggggpppp", 100)))});
  EXPECT_EQ(summary.miss_curve_gets, 400u);
  EXPECT_THAT(summary.miss_curve, Contains(Pair(1, ::testing::DoubleNear(0.75, 0.01))));
  EXPECT_THAT(summary.miss_curve, Contains(Pair(3, ::testing::DoubleNear(0.25, 0.01))));
  EXPECT_THAT(summary.miss_curve, Contains(Pair(4, 0.0)));
}

TEST(PoolMissCurve, HasNoRatioForACapWhoseStartMattersToTheEnd) {
  const auto summary = only_pool({ordered_burst(0, order_of("gggg"))});
  EXPECT_THAT(summary.miss_curve, Not(Contains(Pair(4, ::testing::_))));
  EXPECT_THAT(summary.miss_curve_bracket, Contains(FieldsAre(4u, 0.0, 1.0)));
}

TEST(PoolMissCurve, HasNoRatioWhenTheStartMatteredForMostGets) {
  const auto summary = only_pool({ordered_burst(0, order_of(std::string(800, 'g')))});
  EXPECT_THAT(summary.miss_curve, Contains(Pair(384, ::testing::_))) << "known for 416 of 800 gets";
  EXPECT_THAT(summary.miss_curve, Not(Contains(Pair(448, ::testing::_)))) << "known for 352 of 800 gets";
}

TEST(PoolMissCurve, HasNoRatioOfAHandfulOfGets) {
  const auto ratios = [](std::size_t gets) {
    return only_pool({ordered_burst(0, order_of(std::string(gets, 'g')))}).miss_curve;
  };
  EXPECT_THAT(ratios(kLeastMetGets + 1), Contains(Pair(1, 1.0)));
  EXPECT_TRUE(ratios(kLeastMetGets).empty()) << "the first get tells what was idle";
}

TEST(PoolMissCurve, GetsOfAllBurstsCountForARatio) {
  const auto half = order_of(std::string(kLeastMetGets / 2 + 1, 'g'));
  EXPECT_THAT(only_pool({ordered_burst(0, half), ordered_burst(1, half)}).miss_curve, Contains(Pair(1, 1.0)));
}

TEST(PoolMissCurve, AddsTheEventsOfAllBursts) {
  const auto summary = only_pool({ordered_burst(0, order_of(repeated("ggpp", 50))), ordered_burst(1, order_of("pg"))});
  EXPECT_EQ(summary.miss_curve_gets, 101u);
}

TEST(PoolMissCurve, EndsAtTheFirstCapThatMissesNothing) {
  const auto summary = only_pool({ordered_burst(0, order_of(repeated("ggpp", 50)))});
  EXPECT_EQ(summary.miss_curve_bracket.size(), 2u);
}

TEST(PoolMissCurve, IsAbsentWhereNoBurstSawEventsOneByOne) {
  const auto summary = only_pool(alike(pool("a", 100)));
  EXPECT_TRUE(summary.miss_curve.empty());
  EXPECT_FALSE(summary.miss_curve_gets);
}

TEST(PoolMissCurve, IsThatOfAPoolOnTheWholeWhenBurstsDoNotCountForRates) {
  const auto summary = only_pool({pool_burst(0, {pool("a", 100)}), ordered_burst(1, order_of(repeated("gp", 10)))});
  EXPECT_DOUBLE_EQ(summary.gets_per_second->value, 100);
  EXPECT_EQ(summary.counted.gets, 100u);
  EXPECT_EQ(summary.miss_curve_gets, 10u);
}

TEST(PoolMissCurve, BurstsInOrderGiveRatesWhereThereAreNoOthers) {
  EXPECT_TRUE(only_pool({ordered_burst(0, order_of("gp"))}).gets_per_second);
}

// --- never put

TEST(PoolNeverPut, AreObjectsThatStayOutForLongerThanNearlyAllOthers) {
  const auto use = only_pool({ordered_burst(0, held(2000, 1000, 40, 1'000'000))}).use;
  ASSERT_TRUE(use && use->never_put);
  EXPECT_EQ(use->never_put, 40u);
  EXPECT_EQ(use->followed_gets, 2040u);
  EXPECT_NEAR(*use->never_put_after_seconds, 1e-6, 0.2e-6);
  EXPECT_GT(*use->never_put_ratio->low, 0.01);
}

TEST(PoolNeverPut, LeavesOutObjectsThatMayStillComeBack) {
  const auto use = only_pool({ordered_burst(0, held(2000, 1'000'000, 40, 1000))}).use;
  EXPECT_FALSE(use->never_put) << "no get was watched for long enough";
}

TEST(PoolNeverPut, IsNotKnownWhenTooFewCameBack) {
  EXPECT_FALSE(only_pool({ordered_burst(0, held(999, 1000, 40, 1'000'000))}).use->never_put);
}

TEST(PoolNeverPut, IsNoneWhereEverythingComesBack) {
  const auto use = only_pool({ordered_burst(0, held(2000, 1000, 0, 1'000'000))}).use;
  EXPECT_EQ(use->never_put, 0u);
  EXPECT_EQ(use->used_after_put, 0u);
  EXPECT_EQ(use->put_twice, 0u);
}

TEST(PoolNeverPut, DoesNotCountPutsTwiceAgainInAnExactRun) {
  model::PoolSums sums = pool("a", 10);
  sums.put_twice = 3;
  sums.hold_ns.add(10);
  sums.order = order_of("gp");
  sums.order->put_twice = 3;
  auto burst = exact_burst(0, {sums});
  burst.in_order = true;
  EXPECT_EQ(only_pool({burst}).use->put_twice, 3u);
}

}  // namespace
}  // namespace poolscope::estimate::testing
