#include "agent/estimate/pools.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/estimate/make_pools.h"

namespace poolscope::estimate::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST(Pools, NoRecordsAreNoPools) {
  EXPECT_TRUE(summarize_pools({}, {}, {}).empty());
  EXPECT_TRUE(summarize_busy({pool_burst(0, {})}, {miss_watch(0, {})}).empty());
}

// --- rates

TEST(PoolRates, AreThoseOfTheWindows) {
  model::PoolSums sums = pool("a", 200, 20);
  sums.puts = 150;
  sums.regrowths = 10;
  const auto summary = only_pool({pool_burst(0, {sums}), pool_burst(1, {pool("a", 100)})});
  EXPECT_DOUBLE_EQ(summary.gets_per_second->value, 150);
  EXPECT_DOUBLE_EQ(summary.puts_per_second->value, 125);
  EXPECT_DOUBLE_EQ(summary.misses_per_second->value, 10);
  EXPECT_DOUBLE_EQ(summary.regrowths_per_second->value, 5);
  EXPECT_FALSE(summary.gets_per_second->low) << "two windows give no interval";
  EXPECT_EQ(summary.counted.gets, 300u);
  EXPECT_EQ(summary.counted.puts, 250u);
  EXPECT_EQ(summary.counted.misses, 20u);
  EXPECT_EQ(summary.counted.regrowths, 10u);
}

TEST(PoolRates, HaveAnIntervalWithEnoughWindows) {
  const auto summary = only_pool(alike(pool("a", 100)));
  EXPECT_DOUBLE_EQ(summary.gets_per_second->value, 100);
  EXPECT_LT(summary.gets_per_second->low, 100);
  EXPECT_GT(summary.gets_per_second->high, 100);
}

TEST(PoolRates, AWindowThatDidNotSeeThePoolHadNoEventsOfIt) {
  const auto summary = only_pool({pool_burst(0, {pool("a", 100)}), pool_burst(1, {})});
  EXPECT_DOUBLE_EQ(summary.gets_per_second->value, 50);
}

TEST(PoolRates, AreOfTheCpuTimeOfTheTarget) {
  const auto pools = summarize_busy({pool_burst(0, {pool("a", 100)})}, {}, 3.5);
  EXPECT_DOUBLE_EQ(pools.front().gets_per_second->value, 350);
}

TEST(PoolRates, RegrowthsAreAbsentWhereNobodyLooked) {
  auto sums = pool("a", 100);
  sums.regrowths_known = false;
  EXPECT_FALSE(only_pool(alike(sums)).regrowths_per_second);
}

TEST(PoolRates, RegrowthsAreZeroWhereObjectsWereFollowedAndNoneGrew) {
  EXPECT_EQ(only_pool(alike(pool("a", 100))).regrowths_per_second->value, 0);
}

TEST(PoolRates, RegrowthsAreThoseOfThePutsThatWereFollowed) {
  auto bursts = alike(pool("a", 100));
  for (std::size_t i = 0; i < bursts.size(); ++i) {
    auto& sums = bursts[i].pools.front();
    sums.regrowths_known = i % 4 == 3;
    sums.regrowths = i % 4 == 3 ? 20 : 0;
  }
  EXPECT_NEAR(only_pool(bursts).regrowths_per_second->value, 20, 1e-9);
}

TEST(PoolRates, PoolsOfTwoProcessesWithOneNameAreOne) {
  const auto pools =
      summarize_busy({pool_burst(0, {pool("a", 10, 1)}, 1), pool_burst(0, {pool("a", 30, 3)}, 2)}, {}, 2);
  ASSERT_EQ(pools.size(), 1u);
  EXPECT_DOUBLE_EQ(pools.front().gets_per_second->value, 40);
  EXPECT_DOUBLE_EQ(pools.front().hit_ratio->value, 0.9);
  EXPECT_EQ(pools.front().counted.gets, 40u);
}

TEST(PoolRates, PoolsOfOneWindowWithOneNameAreOne) {  // pools on the heap with the same New function have no address
  model::PoolSums first = pool("main.newItem (heap)", 100, 10), second = pool("main.newItem (heap)", 300, 10);
  const auto summary = only_pool({pool_burst(0, {first, second})});
  EXPECT_EQ(summary.counted.gets, 400u);
  EXPECT_DOUBLE_EQ(summary.gets_per_second->value, 400);
  EXPECT_DOUBLE_EQ(summary.hit_ratio->value, 0.95);
}

// --- misses and hit ratio

TEST(HitRatio, OfWindowsIsThatOfTheirMissesAndGets) {
  const auto summary = only_pool(alike(pool("a", 100, 10)));
  EXPECT_NEAR(summary.hit_ratio->value, 0.9, 1e-12);
  EXPECT_LT(summary.hit_ratio->low, 0.9);
  EXPECT_GT(summary.hit_ratio->high, 0.9);
  EXPECT_DOUBLE_EQ(summary.misses_per_second->value, 10);
  EXPECT_FALSE(summary.counted.watched_misses);
}

TEST(HitRatio, WithoutMissesIsOneAndSaysHowLowItMayBe) {
  const auto summary = only_pool(alike(pool("a", 100)));
  EXPECT_DOUBLE_EQ(summary.hit_ratio->value, 1);
  EXPECT_DOUBLE_EQ(summary.hit_ratio->high.value(), 1);
  EXPECT_DOUBLE_EQ(summary.hit_ratio->low.value(), 1 - 3.0 / 1200) << "rule of three";
}

TEST(HitRatio, OfWindowsThatACountEndedIsTheSame) {
  auto bursts = alike(pool("a", 5, 5));  // 5 gets and 5 puts each
  for (auto& burst : bursts) burst.window.ended_by_count = true;
  EXPECT_DOUBLE_EQ(only_pool(bursts).hit_ratio->value, 0);
}

TEST(HitRatio, OfTwoProcessesIsThatOfAllGets) {
  std::vector<model::PoolBurstRecord> bursts = alike(pool("a", 990));
  for (const auto& burst : alike(pool("a", 10, 10))) {
    bursts.push_back(burst);
    bursts.back().process.pid = 2;
  }
  EXPECT_NEAR(only_pool(bursts).hit_ratio->value, 0.99, 1e-12) << "990 of 1000 gets per second are served";
}

TEST(HitRatio, IsAbsentWithoutGets) {
  model::PoolSums puts_alone = pool("a", 0);
  puts_alone.puts = 100;
  EXPECT_FALSE(only_pool(alike(puts_alone)).hit_ratio);
}

TEST(HitRatio, IsByTheWatchWhereItsIntervalIsNarrower) {
  auto watch = miss_watch(0, {watched("a", 15'000)});
  watch.length_ns = 1000 * kSecondNs;  // the windows are a small part of it
  const auto summary = only_pool(alike(pool("a", 100, 10)), {watch});
  EXPECT_NEAR(summary.hit_ratio->value, 1 - 15.0 / 100, 1e-12);
  EXPECT_NEAR(summary.hit_ratio->low.value(), 1 - 15 / *summary.gets_per_second->low, 1e-12);
  EXPECT_NEAR(summary.hit_ratio->high.value(), 1 - 15 / *summary.gets_per_second->high, 1e-12);
}

TEST(HitRatio, IsByTheWindowsWhereTheirIntervalIsNarrower) {
  std::vector<model::PoolBurstRecord> uneven;  // gets per second are hardly known, their misses are a tenth of them
  for (unsigned i = 0; i < kBurstsForInterval; ++i)
    uneven.push_back(pool_burst(i, {i % 2 ? pool("a", 10, 1) : pool("a", 190, 19)}));
  const auto summary = only_pool(uneven, {miss_watch(0, {watched("a", 150)})});
  EXPECT_NEAR(summary.hit_ratio->value, 0.9, 1e-12);
  EXPECT_DOUBLE_EQ(summary.misses_per_second->value, 15) << "misses are those of the watch all the same";
}

TEST(HitRatio, IsTheSurerTheMoreOfAllGetsWindowsSaw) {
  std::vector<model::PoolBurstRecord> bursts;
  for (unsigned i = 0; i < kBurstsForInterval; ++i)
    bursts.push_back(pool_burst(i, {i % 2 ? pool("a", 400, 32) : pool("a", 1600, 168)}));
  const auto width = [&](unsigned watched_seconds) {
    auto watch = miss_watch(0, {watched("a", 150 * watched_seconds)});
    watch.length_ns = watched_seconds * kSecondNs;
    const auto summary = only_pool(bursts, {watch});
    EXPECT_NEAR(summary.hit_ratio->value, 0.9, 1e-12) << "not that of the windows";
    return *summary.hit_ratio->high - *summary.hit_ratio->low;
  };
  EXPECT_LT(width(12), 0.7 * width(1200)) << "all seconds were in windows, or one of a hundred";
}

TEST(HitRatio, IsNeverBelowNothing) {
  const auto summary = only_pool(alike(pool("a", 100)), {miss_watch(0, {watched("a", 100'000)})});
  EXPECT_EQ(summary.hit_ratio, (model::Estimate{0, 0, 0}));
}

TEST(HitRatio, IsAbsentWithTheMissesWhereNothingTellsThem) {
  auto bursts = alike(pool("a", 100));
  hide_misses(bursts[3]);
  const auto summary = only_pool(bursts);
  EXPECT_FALSE(summary.hit_ratio);
  EXPECT_FALSE(summary.misses_per_second);
  EXPECT_DOUBLE_EQ(summary.gets_per_second->value, 100);
}

TEST(WatchedMisses, AreExactAndSummedOverProcesses) {
  const auto summary = only_pool({}, {miss_watch(0, {watched("a", 30)}, 1), miss_watch(10, {watched("a", 10)}, 1),
                                      miss_watch(0, {watched("a", 15)}, 2), miss_watch(10, {watched("a", 5)}, 2)});
  EXPECT_EQ(summary.misses_per_second, (model::Estimate{3, 3, 3}));
  EXPECT_EQ(summary.counted.watched_misses, 60u);
}

TEST(WatchedMisses, OfAProcessThatReplacedAnotherAreNotAddedToIts) {
  const auto summary = only_pool({}, {miss_watch(0, {watched("a", 30)}, 1), miss_watch(10, {watched("a", 30)}, 2)});
  EXPECT_DOUBLE_EQ(summary.misses_per_second->value, 3) << "60 misses in 20 seconds";
}

TEST(WatchedMisses, AreNotThoseOfTheTargetWhereAProcessIsNotWatched) {
  auto unwatched = miss_watch(0, {}, 2);
  unwatched.misses_watched = false;  // too many for the budget
  EXPECT_FALSE(only_pool({}, {miss_watch(0, {watched("a", 30)}, 1), unwatched}).misses_per_second);
}

TEST(WatchedMisses, AreNoneInTimesThatSawNone) {
  const auto summary = only_pool({}, {miss_watch(0, {watched("a", 30)}), miss_watch(10, {})});
  EXPECT_DOUBLE_EQ(summary.misses_per_second->value, 1.5);
}

TEST(WatchedMisses, AreNotUsedWhenTheyWereWatchedAPartOfTheTime) {
  auto unwatched = miss_watch(10, {watched("a", 0)});
  unwatched.misses_watched = false;
  const auto summary = only_pool(alike(pool("a", 100, 10)), {miss_watch(0, {watched("a", 30)}), unwatched});
  EXPECT_FALSE(summary.counted.watched_misses);
  EXPECT_NEAR(summary.misses_per_second->value, 10, 1e-9);
}

TEST(WatchedMisses, AloneGiveNoGetsAndNoHitRatio) {
  const auto summary = only_pool({}, {miss_watch(0, {watched("a", 30)})});
  EXPECT_EQ(summary.name, "a");
  EXPECT_FALSE(summary.gets_per_second);
  EXPECT_FALSE(summary.puts_per_second);
  EXPECT_FALSE(summary.hit_ratio);
  EXPECT_FALSE(summary.use);
  EXPECT_EQ(summary.needed_bytes_reason, "not_seen");
}

TEST(WatchedMisses, OfAPoolThatNoBurstSawGiveNoHitRatio) {
  const auto pools = summarize_busy(alike(pool("busy", 100)), {miss_watch(0, {watched("rare", 1)})});
  ASSERT_THAT(names(pools), ElementsAre("busy", "rare"));
  EXPECT_DOUBLE_EQ(pools[1].gets_per_second->value, 0);
  EXPECT_GT(pools[1].gets_per_second->high, 0) << "bursts say how few they are at most";
  EXPECT_DOUBLE_EQ(pools[1].misses_per_second->value, 0.1);
  EXPECT_FALSE(pools[1].hit_ratio);
  EXPECT_DOUBLE_EQ(pools[0].misses_per_second->value, 0) << "watched, and none";
}

// --- exact

TEST(ExactPools, AreCountsOverTimeWithoutInterval) {
  std::vector<model::PoolBurstRecord> bursts;
  for (unsigned i = 0; i < kBurstsForInterval; ++i) bursts.push_back(exact_burst(i, {pool("a", 200, 20)}));
  const auto summary = only_pool(bursts, {miss_watch(0, {watched("a", 7000)})});
  EXPECT_DOUBLE_EQ(summary.gets_per_second->value, 200);
  EXPECT_DOUBLE_EQ(summary.misses_per_second->value, 20) << "of the same events as the gets";
  EXPECT_DOUBLE_EQ(summary.hit_ratio->value, 0.9);
  for (const auto& estimate : {summary.gets_per_second, summary.misses_per_second, summary.hit_ratio}) {
    EXPECT_FALSE(estimate->low);
    EXPECT_FALSE(estimate->high);
  }
}

TEST(ExactPools, ProcessesTracedAtTheSameTimeShareIt) {
  const auto summary = only_pool({exact_burst(0, {pool("a", 10)}, 1), exact_burst(0, {pool("a", 30)}, 2)});
  EXPECT_DOUBLE_EQ(summary.gets_per_second->value, 40);
}

TEST(ExactPools, MoreMissesThanGetsAreNoHits) {  // a get began before the trace
  EXPECT_EQ(only_pool({exact_burst(0, {pool("a", 10, 11)})}).hit_ratio, (model::Estimate{0, {}, {}}));
}

TEST(ExactPools, HaveNoHitRatioWhereNothingTellsMisses) {
  auto burst = exact_burst(0, {pool("a", 10)});
  hide_misses(burst);
  EXPECT_FALSE(only_pool({burst}).hit_ratio);
  EXPECT_FALSE(only_pool({burst}).misses_per_second);
}

TEST(ExactPools, AreASampleWhenOneBurstIs) {
  std::vector<model::PoolBurstRecord> bursts = alike(pool("a", 100));
  bursts[0].exact = true;
  EXPECT_TRUE(only_pool(bursts).gets_per_second->low);
}

// --- what collections throw away

TEST(ThrownAway, IsPerCollectionOfAllProcesses) {
  const auto collected = [](unsigned collections, std::uint64_t thrown_away, int pid) {
    auto watch = miss_watch(0, {watched("a", 0, thrown_away)}, pid);
    watch.collections = collections;
    watch.collections_watched = true;
    return watch;
  };
  auto unwatched = collected(100, 1000, 3);
  unwatched.collections_watched = false;
  const auto summary = only_pool({}, {collected(3, 9, 1), collected(1, 1, 2), unwatched});
  EXPECT_EQ(summary.thrown_away_per_gc, 2.5);
  EXPECT_EQ(summary.counted.thrown_away, 10u);
  EXPECT_FALSE(only_pool({}, {collected(0, 0, 1)}).thrown_away_per_gc) << "no collection yet";
  EXPECT_FALSE(only_pool({}, {unwatched}).counted.thrown_away);
  EXPECT_EQ(only_pool({}, {collected(4, 0, 1)}).thrown_away_per_gc, 0) << "watched, and nothing";
}

// --- sizes

model::PoolSums sized_pool(std::uint64_t sized_puts, std::uint64_t empty_puts) {
  model::PoolSums sums = pool("a", sized_puts);
  sums.sized_puts = sized_puts;
  sums.empty_puts = empty_puts;
  sums.needed_bytes.add(8, static_cast<double>(sized_puts - empty_puts));
  sums.buffer_bytes.add(15, static_cast<double>(sized_puts));
  return sums;
}

TEST(PoolSizes, AreLengthAndCapacityAtPut) {
  const auto summary = only_pool({pool_burst(0, {sized_pool(100, 0)})});
  EXPECT_EQ(summary.needed_bytes->p50, 8u);
  EXPECT_EQ(summary.buffer_bytes->p50, 15u);
  EXPECT_EQ(summary.needed_bytes_reason, "");
}

struct EmptyCase {
  const char* name;
  std::uint64_t sized_puts, empty_puts;
  const char* reason;
};
class EmptyPuts : public ::testing::TestWithParam<EmptyCase> {};

TEST_P(EmptyPuts, HideWhatIsNeededWhenTheyAreMany) {
  const auto summary = only_pool({pool_burst(0, {sized_pool(GetParam().sized_puts, GetParam().empty_puts)})});
  EXPECT_EQ(summary.needed_bytes_reason, GetParam().reason);
  EXPECT_EQ(summary.needed_bytes.has_value(), summary.needed_bytes_reason.empty());
  EXPECT_TRUE(summary.buffer_bytes);
}
INSTANTIATE_TEST_SUITE_P(Table, EmptyPuts,
                         ::testing::Values(EmptyCase{"None", 100, 0, ""}, EmptyCase{"Few", 100, 5, ""},
                                           EmptyCase{"OneMore", 100, 6, "reset_before_put"},
                                           EmptyCase{"All", 100, 100, "reset_before_put"},
                                           EmptyCase{"TheOnlyOne", 1, 1, "reset_before_put"}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(PoolSizes, OfWindowsCountWithTheirWeightInTheRate) {
  auto short_burst = pool_burst(0, {pool("a", 10)}), long_burst = pool_burst(1, {pool("a", 15)});
  short_burst.window.length_ns = short_burst.window.cpu_ns = kSecondNs / 2;
  short_burst.pools[0].needed_bytes.add(8, 10);  // 20 per second
  long_burst.pools[0].needed_bytes.add(4, 15);
  const auto summary = only_pool({short_burst, long_burst});
  EXPECT_EQ(summary.needed_bytes->p50, 8u);
  ASSERT_EQ(summary.needed_bytes->buckets.size(), 2u);
  EXPECT_NEAR(summary.needed_bytes->buckets[0].second, 15.0 / 35, 1e-12);
}

TEST(PoolSizes, AreAskedForAtGetsAlone) {  // a custom pool: what it holds is not looked into
  model::PoolSums custom = pool("arena", 10);
  custom.pool.kind = "custom";
  custom.needed_bytes.add(8, 10);
  const auto summary = only_pool({pool_burst(0, {custom})});
  EXPECT_EQ(summary.needed_bytes->p50, 8u);
  EXPECT_FALSE(summary.buffer_bytes);
}

TEST(PoolSizes, OfObjectsThatAreNoBufferAreThoseOfTheirType) {
  model::PoolSums plain = pool("a", 10);
  plain.object_bytes = 96;
  const auto summary = only_pool({pool_burst(0, {plain})});
  EXPECT_EQ(summary.object_bytes, 96u);
  EXPECT_EQ(summary.needed_bytes_reason, "no_buffer");
  EXPECT_FALSE(summary.needed_bytes);
}

TEST(PoolSizes, ThatNoPutShowedAreNotSeen) {
  model::PoolSums unused = pool("a", 10);
  unused.puts = 0;
  const auto summary = only_pool({pool_burst(0, {unused})});
  EXPECT_FALSE(summary.object_bytes);
  EXPECT_EQ(summary.needed_bytes_reason, "not_seen");
}

TEST(PoolSizes, OfPutsBeforeTheTypeWasKnownSayWhichOfTheTwoIsMissing) {
  model::PoolSums learnt = pool("a", 10);
  learnt.puts = 10;
  learnt.pool.element = "*[]uint8";
  EXPECT_EQ(only_pool({pool_burst(0, {learnt})}).needed_bytes_reason, "type_just_learnt");
  learnt.pool.element.clear();
  EXPECT_EQ(only_pool({pool_burst(0, {learnt})}).needed_bytes_reason, "type_not_known");
  learnt.pool.kind = "custom";
  EXPECT_EQ(only_pool({pool_burst(0, {learnt})}).needed_bytes_reason, "size_not_given");
}

TEST(PoolSizes, OfMixedElementsHaveNoTypeToBeOf) {
  model::PoolSums first = pool("a", 10), mixed = pool("a", 10);
  first.object_bytes = mixed.object_bytes = 96;
  mixed.other_elements = 1;
  EXPECT_EQ(only_pool({pool_burst(0, {first})}).element, "*[]uint8");
  const auto summary = only_pool({pool_burst(0, {first}), pool_burst(1, {mixed})});
  EXPECT_EQ(summary.element, "");
  EXPECT_FALSE(summary.object_bytes);
}

TEST(PoolSizes, ElementsThatDifferFromBurstToBurstAreMixed) {
  model::PoolSums other = pool("a", 10);
  other.pool.element = "*main.item";
  EXPECT_EQ(only_pool({pool_burst(0, {pool("a", 10)}), pool_burst(1, {other})}).element, "");
}

// --- use

TEST(PoolUse, IsSummedOverBursts) {
  model::PoolSums followed = pool("a", 10);
  followed.put_twice = 1;
  followed.hold_ns.add(8, 7);
  followed.hold_ns.add(15, 3);
  const auto summary = only_pool({pool_burst(0, {followed}), pool_burst(1, {followed}), pool_burst(2, {})});
  ASSERT_TRUE(summary.use);
  EXPECT_EQ(summary.use->put_twice, 2u);
  EXPECT_FALSE(summary.use->never_put) << "nobody saw events one by one";
  EXPECT_DOUBLE_EQ(summary.use->hold_seconds_p50.value(), 8e-9);
  EXPECT_DOUBLE_EQ(summary.use->hold_seconds_p95.value(), 15e-9);
  EXPECT_DOUBLE_EQ(summary.use->hold_seconds_p99.value(), 15e-9);
}

TEST(PoolUse, HasNoHoldTimeWhenNothingCameBack) {
  model::PoolSums kept = pool("a", 10);
  kept.put_twice = 1;
  EXPECT_FALSE(only_pool({pool_burst(0, {kept})}).use->hold_seconds_p50);
}

TEST(PoolUse, IsAbsentWhereNothingWasFollowed) {
  EXPECT_FALSE(only_pool({pool_burst(0, {pool("a", 10)})}).use);
}

// --- names and order

model::PoolSums named(const std::string& name, const std::string& address, const std::string& element = "*[]uint8") {
  model::PoolSums sums = pool(name, 10);
  sums.pool.address = address;
  sums.pool.element = element;
  return sums;
}

TEST(PoolNames, AreVariablesOrWhatCreatesTheirObjects) {
  const auto pools = summarize_busy({pool_burst(0, {named("main.bufferPool", ""), named("main.newItem", "0x5a4720")})});
  EXPECT_THAT(names(pools), UnorderedElementsAre("main.bufferPool", "main.newItem"));
}

TEST(PoolNames, SharedByTwoPoolsAreFollowedByTheirAddress) {
  const auto pools =
      summarize_busy({pool_burst(0, {named("main.newItem", "0x5a4720"), named("main.newItem", "0x5a4760")})});
  EXPECT_THAT(names(pools), UnorderedElementsAre("main.newItem at 0x5a4720", "main.newItem at 0x5a4760"));
}

TEST(PoolNames, OfPoolsWithoutOneAreTheirElementAndAddress) {
  const auto pools = summarize_busy({pool_burst(0, {named("", "0x10"), named("", "0x20", ""), named("", "0x30")})});
  EXPECT_THAT(names(pools),
              UnorderedElementsAre("pool of *[]uint8 at 0x10", "pool at 0x20", "pool of *[]uint8 at 0x30"));
}

TEST(PoolNames, DoNotNameAnElementThatIsMixed) {
  model::PoolSums mixed = named("", "0x10");
  mixed.other_elements = 1;
  EXPECT_EQ(only_pool({pool_burst(0, {mixed})}).name, "pool at 0x10");
}

TEST(PoolNames, WhatIsLearnedLaterCompletesThem) {
  model::PoolSums early = named("", "0x10", ""), late = named("", "0x10");
  late.pool.library = "encoding/json";
  late.pool.new_function = "encoding/json.newState";
  const auto summary = only_pool({pool_burst(0, {early}), pool_burst(1, {late})});
  EXPECT_EQ(summary.name, "pool of *[]uint8 at 0x10");
  EXPECT_EQ(summary.element, "*[]uint8");
  EXPECT_EQ(summary.library, "encoding/json");
  EXPECT_EQ(summary.new_function, "encoding/json.newState");
  EXPECT_EQ(summary.kind, "go_sync_pool");
}

TEST(PoolNames, OfTheWatchAndOfBurstsAreTheSamePool) {
  model::PoolWatchSums untyped = watched("a", 10);
  untyped.pool.element = "";  // a watch sees no objects
  const auto summary = only_pool({pool_burst(0, {pool("a", 10)})}, {miss_watch(0, {untyped})});
  EXPECT_EQ(summary.element, "*[]uint8");
  EXPECT_DOUBLE_EQ(summary.gets_per_second->value, 10);
  EXPECT_DOUBLE_EQ(summary.misses_per_second->value, 1);
}

TEST(PoolNames, OfAnotherKindAreAnotherPool) {
  model::PoolSums custom = pool("a", 20);
  custom.pool.kind = "custom";
  EXPECT_EQ(summarize_busy({pool_burst(0, {pool("a", 10), custom})}).size(), 2u);
}

TEST(PoolOrder, IsByGetsThenByMisses) {
  const auto pools = summarize_busy(
      {pool_burst(0, {pool("a_few", 10), pool("b_many", 1000), pool("c_few_and_misses", 10, 5), pool("d_none", 0)})});
  EXPECT_THAT(names(pools), ElementsAre("b_many", "c_few_and_misses", "a_few", "d_none"));
}

TEST(PoolOrder, IsByMissesWhereOnlyTheyAreKnown) {
  const auto pools = summarize_busy({}, {miss_watch(0, {watched("a", 1), watched("b", 30), watched("c", 7)})});
  EXPECT_THAT(names(pools), ElementsAre("b", "c", "a"));
}

}  // namespace
}  // namespace poolscope::estimate::testing
