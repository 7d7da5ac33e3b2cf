#include "agent/budget/burst_plan.h"

#include <gtest/gtest.h>

namespace {

using namespace poolscope::budget;

constexpr BurstPrices kPrices{700, 1300, 700};

BurstBudget rich() {
  return {1.5, 5'000'000, 50'000'000, 1e9, 1e9, 1};
}

HitRate rate_of(double per_cpu_second) {
  HitRate rate;
  rate.observe(per_cpu_second, 0);
  return rate;
}

FollowLengths follow(std::uint64_t wanted_ns) {
  return {2'000'000, wanted_ns, wanted_ns};
}

TEST(HitRate, IsTheHighestOfTheLastFourOrTheAverage) {
  HitRate rate;
  for (const double each : {100.0, 900.0, 100.0, 100.0}) rate.observe(each, 0);
  EXPECT_DOUBLE_EQ(rate.per_cpu_second(), 900);
  for (int i = 0; i < 4; ++i) rate.observe(100, 0);
  EXPECT_LT(rate.per_cpu_second(), 120);
}

TEST(HitRate, IsForgottenWhenItIsOld) {
  HitRate rate;
  rate.observe(1e8, 1000);
  rate.expire(1000 + kRateKnownNs);
  EXPECT_TRUE(rate.known());
  EXPECT_FALSE(plan_rate(rate, kPrices, rich()).plan) << "too hot";
  rate.expire(1001 + kRateKnownNs);
  EXPECT_FALSE(rate.known());
  EXPECT_EQ(plan_rate(rate, kPrices, rich()).plan->hit_limit, kFirstBurstHits);
}

TEST(HitRate, PerSecondIsOverAllWindowsAlsoThoseInWhichNothingRan) {
  HitRate rate;
  EXPECT_EQ(rate.per_second(), 0);
  for (int i = 0; i < 40; ++i) rate.observe_all(i % 2 ? 200 : 0, 5'000'000);
  EXPECT_NEAR(rate.per_second(), 20'000, 1500);
}

TEST(HitPrice, IsTheCalibratedOneBeforeTheFirstHit) {
  EXPECT_DOUBLE_EQ(HitPrice().ns(630), 630);
}

TEST(HitPrice, IsThatOfTheLastBursts) {
  HitPrice price;
  for (int i = 0; i < 10; ++i) price.observe(2000, 2000 * 800);
  EXPECT_NEAR(price.ns(630), 800, 10);
}

TEST(HitPrice, IsNotThatOfTheOneDearHitOfABurst) {
  HitPrice price;
  price.observe(1, 18'837);
  EXPECT_NEAR(price.ns(630), 630, 200);
  price.observe(2000, 2000 * 650);
  price.observe(1, 18'837);
  EXPECT_NEAR(price.ns(630), 650, 20);
}

TEST(RatePlan, FirstBurstOnAnUnknownTargetIsShort) {
  const auto planned = plan_rate(HitRate{}, kPrices, rich());
  ASSERT_TRUE(planned.plan);
  EXPECT_EQ(planned.plan->length_ns, 1'000'000u);
  EXPECT_EQ(planned.plan->hit_limit, 2000u);
}

TEST(RatePlan, FirstBurstIsTakenWithoutTokens) {
  BurstBudget poor = rich();
  poor.tokens_ns = 0;
  EXPECT_TRUE(plan_rate(HitRate{}, kPrices, poor).plan);
}

TEST(RatePlan, CalmTargetsGetTheWholeBurst) {
  const auto planned = plan_rate(rate_of(10'000), kPrices, rich());
  ASSERT_TRUE(planned.plan);
  EXPECT_EQ(planned.plan->length_ns, 5'000'000u);
}

TEST(RatePlan, IsShortenedSoThatTheSlowdownAveragesToTheCap) {
  const double per_second = 2e6;  // 1.4 slower: 2.4x
  const auto planned = plan_rate(rate_of(per_second), kPrices, rich());
  ASSERT_TRUE(planned.plan);
  const double slower = per_second * 700e-9;
  EXPECT_NEAR(static_cast<double>(planned.plan->length_ns) * slower / 5e6, 0.5, 0.001);
}

TEST(RatePlan, RefusesATargetThatIsTooHot) {
  const auto planned = plan_rate(rate_of(100e6), kPrices, rich());
  ASSERT_FALSE(planned.plan);
  EXPECT_EQ(planned.refusal.reason, Refusal::Reason::kTooHot);
  EXPECT_NE(planned.refusal.detail.find("L2 refused"), std::string::npos) << planned.refusal.detail;
}

TEST(RatePlan, IsShortenedToWhatTheTokensPay) {
  BurstBudget budget = rich();
  budget.tokens_ns = 500'000;
  const auto planned = plan_rate(rate_of(600'000), kPrices, budget);
  ASSERT_TRUE(planned.plan);
  const double slower = 600'000 * 700e-9;
  EXPECT_LE(static_cast<double>(planned.plan->length_ns) * slower / (1 + slower), 500'000 * 1.001);
}

TEST(RatePlan, WaitsWhenTheTokensPayForNothing) {
  BurstBudget budget = rich();
  budget.tokens_ns = -1;
  const auto planned = plan_rate(rate_of(600'000), kPrices, budget);
  ASSERT_FALSE(planned.plan);
  EXPECT_EQ(planned.refusal.reason, Refusal::Reason::kNoTokens);
}

TEST(RatePlan, WaitsForDebtsToBePaidEvenWhereNothingIsEverHit) {
  BurstBudget indebted = rich();
  indebted.tokens_ns = -1;
  const auto planned = plan_rate(rate_of(0), kPrices, indebted);
  ASSERT_FALSE(planned.plan);
  EXPECT_EQ(planned.refusal.reason, Refusal::Reason::kNoTokens);
}

TEST(RatePlan, HitLimitIsWhatTheTokensPay) {
  BurstBudget budget = rich();
  budget.tokens_ns = 700'000;
  EXPECT_EQ(plan_rate(rate_of(1000), kPrices, budget).plan->hit_limit, 1000u);
}

TEST(RatePlan, HitLimitOfACalmTargetIsWhatThePaceLetsThroughHoweverMuchIsSaved) {
  BurstBudget budget = rich();
  budget.tokens_ns = 500'000'000;
  EXPECT_LE(plan_rate(rate_of(1000), kPrices, budget).plan->hit_limit, plan_pace(budget, 1).charge_ns / 700);
}

TEST(CohortPlan, FollowsAsLongAsWantedWhenItCanPay) {
  const auto planned = plan_cohort(rate_of(10'000), rate_of(10'000), kPrices, rich(), follow(50'000'000));
  ASSERT_TRUE(planned.plan);
  EXPECT_EQ(planned.plan->follow_ns, 50'000'000u);
  EXPECT_EQ(planned.plan->births_ns, 2'000'000u);
}

TEST(CohortPlan, ShortensTheBirthsOfAHotTarget) {
  const auto planned = plan_cohort(rate_of(550'000), rate_of(550'000), kPrices, rich(), follow(12'000'000));
  ASSERT_TRUE(planned.plan);
  const double births = 550'000 * 2000e-9, freeing = 550'000 * 700e-9,
               at = static_cast<double>(planned.plan->births_ns);
  EXPECT_LE((at * births + (5e6 - at) * freeing) / 5e6, 0.5 + 1e-6);
}

TEST(CohortPlan, FitsTheWholeCohortIntoOneWindowWhereFollowingAloneIsTooDear) {
  const double rate = 1.2e6, freeing = rate * 700e-9, births = freeing + rate * 1300e-9;
  const auto planned = plan_cohort(rate_of(rate), rate_of(rate), kPrices, rich(), follow(12'000'000));
  ASSERT_TRUE(planned.plan);
  const double births_ns = static_cast<double>(planned.plan->births_ns),
               follow_ns = static_cast<double>(planned.plan->follow_ns);
  EXPECT_LE(births_ns * births + (follow_ns - births_ns) * freeing, 0.5 * 5e6 * 1.001);
  EXPECT_GE(follow_ns, 1e6);
}

TEST(CohortPlan, RefusesATargetThatIsTooHotToFollow) {
  const auto planned = plan_cohort(rate_of(10e6), rate_of(10e6), kPrices, rich(), follow(12'000'000));
  ASSERT_FALSE(planned.plan);
  EXPECT_EQ(planned.refusal.reason, Refusal::Reason::kTooHot);
}

TEST(CohortPlan, WaitsWhenTheTokensDoNotReachTheLeastLength) {
  BurstBudget budget = rich();
  budget.tokens_ns = 100'000;
  const auto planned = plan_cohort(rate_of(300'000), rate_of(300'000), kPrices, budget, follow(12'000'000));
  ASSERT_FALSE(planned.plan);
  EXPECT_EQ(planned.refusal.reason, Refusal::Reason::kNoTokens);
}

TEST(CohortPlan, TakesFreesForAsFrequentAsAllocationsUntilTheyWereSeen) {
  EXPECT_FALSE(plan_cohort(rate_of(10e6), HitRate{}, kPrices, rich(), follow(12'000'000)).plan);
}

TEST(GrowthPlan, LooksAtATargetThatIsTooHotToFollow) {
  const double rate = 4e6, slower = rate * 2000e-9;
  ASSERT_FALSE(plan_cohort(rate_of(rate), rate_of(rate), kPrices, rich(), follow(12'000'000)).plan);
  const auto planned = plan_growth(rate_of(rate), rate_of(rate), kPrices, rich());
  ASSERT_TRUE(planned.plan);
  EXPECT_LE(static_cast<double>(planned.plan->length_ns) * slower, 0.5 * 5e6 * 1.001) << "the slowdown cap";
}

TEST(GrowthPlan, IsNoLongerThanTheBirthsOfACohort) {
  EXPECT_EQ(plan_growth(rate_of(1000), rate_of(1000), kPrices, rich()).plan->length_ns, 2'000'000u);
}

TEST(GrowthPlan, RefusesATargetForWhichTheShortestLookIsTooMuch) {
  const auto planned = plan_growth(rate_of(10e6), rate_of(10e6), kPrices, rich());
  ASSERT_FALSE(planned.plan);
  EXPECT_EQ(planned.refusal.reason, Refusal::Reason::kTooHot);
}

TEST(GrowthPlan, WaitsWhenTheTokensPayForNothing) {
  BurstBudget budget = rich();
  budget.tokens_ns = -1;
  const auto planned = plan_growth(rate_of(4e6), HitRate{}, kPrices, budget);
  ASSERT_FALSE(planned.plan);
  EXPECT_EQ(planned.refusal.reason, Refusal::Reason::kNoTokens);
}

BurstBudget of_waiting_target() {
  BurstBudget budget = rich();
  budget.used_cpus = 0.1;
  budget.busy_cpus = planned_cpus(budget.used_cpus);
  return budget;
}

TEST(GrowthPlan, PaysForAWholeCrowdOfATargetThatMostlyWaits) {
  const double rate = 4e6, slower = rate * 2000e-9, most_ns = 0.5 * 5e6;
  const auto planned = plan_growth(rate_of(rate), rate_of(rate), kPrices, of_waiting_target());
  ASSERT_TRUE(planned.plan);
  EXPECT_NEAR(static_cast<double>(planned.plan->length_ns) * 0.1 * slower, most_ns / 3, 0.01 * most_ns);
  EXPECT_LE(static_cast<double>(planned.plan->hit_limit) * std::max(kPrices.free_ns, kPrices.life_ns / 2), most_ns)
      << "the slowdown cap";
}

TEST(RatePlan, OfATargetThatMostlyWaitsLastsAsLongAsWhatItDoesOnAverageIsPaidFor) {
  const double rate = 2e6, slower = rate * 700e-9;
  BurstBudget budget = of_waiting_target();
  budget.tokens_ns = 300'000;
  const auto waits = plan_rate(rate_of(rate), kPrices, budget);
  budget.used_cpus = 1;
  const auto runs = plan_rate(rate_of(rate), kPrices, budget);
  ASSERT_TRUE(waits.plan && runs.plan);
  EXPECT_NEAR(static_cast<double>(waits.plan->length_ns), 300'000 / (0.1 * slower), 2);
  EXPECT_GT(waits.plan->length_ns, 2 * runs.plan->length_ns);
}

TEST(RatePlan, OfATargetThatMostlyWaitsHasRoomForACrowdBelowTheSlowdownCap) {
  BurstBudget budget = of_waiting_target();
  for (const double tokens_ns : {300e3, 600e3}) {
    budget.tokens_ns = tokens_ns;
    const auto planned = plan_rate(rate_of(2e6), kPrices, budget);
    const double charge_ns = static_cast<double>(planned.plan->hit_limit) * kPrices.allocation_ns;
    EXPECT_GT(charge_ns, 0.99 * std::min(3 * tokens_ns, 2.5e6)) << tokens_ns;
    EXPECT_LT(charge_ns, 0.75 * 5e6 + kPrices.allocation_ns) << tokens_ns;
  }
}

// In crowds that make three million calls per CPU second, and `per_second` of them all the time.
HitRate in_crowds(double per_second) {
  HitRate rate = rate_of(3e6);
  rate.observe_all(static_cast<std::uint64_t>(per_second), 1'000'000'000);
  return rate;
}

double births_and_frees_ns(const CohortPlan& plan, double per_second, double length_ns) {
  const auto births_ns = static_cast<double>(plan.births_ns);
  return per_second * 1e-9 * (births_ns * kPrices.life_ns + length_ns * kPrices.free_ns);
}

TEST(CohortPlan, OfATargetThatMostlyWaitsGoesByWhatItDoesPerSecond) {
  const HitRate rate = in_crowds(40'000);
  const auto planned = plan_cohort(rate, rate, kPrices, of_waiting_target(), follow(12'000'000));
  ASSERT_TRUE(planned.plan);
  EXPECT_EQ(planned.plan->births_ns, 2'000'000u);
  EXPECT_EQ(planned.plan->follow_ns, 12'000'000u);
  EXPECT_TRUE(planned.plan->is_among_pauses());
  EXPECT_FALSE(plan_cohort(rate, rate, kPrices, rich(), follow(12'000'000)).plan) << "one that never waits is too hot";
}

TEST(CohortPlan, OfATargetThatMostlyWaitsTakesAQuarterOfTheSlowdownCapOnAverageAndIsEndedBelowIt) {
  const double per_second = 120'000, most_ns = 0.5 * 5e6;
  const HitRate rate = in_crowds(per_second);
  const auto planned = plan_cohort(rate, rate, kPrices, of_waiting_target(), follow(12'000'000));
  ASSERT_TRUE(planned.plan);
  EXPECT_NEAR(births_and_frees_ns(*planned.plan, per_second, 5e6), most_ns / 4, 0.01 * most_ns);
  EXPECT_LE(2 * planned.plan->most_charge_ns, static_cast<std::uint64_t>(most_ns)) << "the kernel may count it twice";
}

TEST(CohortPlan, OfATargetThatMostlyWaitsHasRoomForACrowdUpToTheSlowdownCap) {
  const HitRate rate = in_crowds(10'000);
  BurstBudget budget = of_waiting_target();
  budget.tokens_ns = 200'000;
  const auto planned = plan_cohort(rate, rate, kPrices, budget, follow(12'000'000));
  ASSERT_TRUE(planned.plan);
  EXPECT_NEAR(static_cast<double>(planned.plan->hit_limit) * kPrices.free_ns, 0.5 * 5e6, kPrices.free_ns);
}

TEST(CohortPlan, OfATargetThatMostlyWaitsIsRefusedWhereWhatItDoesOnAverageIsTooMuch) {
  const HitRate rate = in_crowds(400'000);
  const auto planned = plan_cohort(rate, rate, kPrices, of_waiting_target(), follow(12'000'000));
  ASSERT_FALSE(planned.plan);
  EXPECT_EQ(planned.refusal.reason, Refusal::Reason::kTooHot);
}

TEST(CohortPlan, OfATargetThatMostlyWaitsIsSavedForAsAWhole) {
  const double per_second = 40'000;
  const HitRate rate = in_crowds(per_second);
  BurstBudget budget = of_waiting_target();
  budget.capacity_ns = 30e6;  // half a millisecond a second
  budget.tokens_ns = 400'000;
  const auto waits = plan_cohort(rate, rate, kPrices, budget, follow(12'000'000));
  ASSERT_FALSE(waits.plan);
  EXPECT_NEAR(waits.refusal.needed_ns, births_and_frees_ns({2'000'000}, per_second, 12e6), 1);
  budget.capacity_ns = 1.5e6;  // of a minute: that is not paid for in eight seconds
  const auto shorter = plan_cohort(rate, rate, kPrices, budget, follow(12'000'000));
  ASSERT_TRUE(shorter.plan);
  EXPECT_LT(shorter.plan->follow_ns, 12'000'000u);
}

TEST(CohortPlan, OfATargetThatMostlyWaitsIsLongOnlyWhenThatIsSavedAlready) {
  const HitRate rate = in_crowds(40'000);
  BurstBudget budget = of_waiting_target();
  const FollowLengths long_one{2'000'000, 12'000'000, 50'000'000};
  budget.tokens_ns = 1e6;
  EXPECT_EQ(plan_cohort(rate, rate, kPrices, budget, long_one).plan->follow_ns, 12'000'000u);
  budget.tokens_ns = 2e6;
  EXPECT_EQ(plan_cohort(rate, rate, kPrices, budget, long_one).plan->follow_ns, 50'000'000u);
}

TEST(CohortPlan, IsLongEnoughForAnAgeAlsoWhereProbesDelayTheTarget) {
  const HitRate rate = in_crowds(40'000);
  const double waits = 40'000 * 700e-9, runs = 3e6 * 700e-9, age = 10e6;
  EXPECT_NEAR(static_cast<double>(follow_for_age_ns(10'000'000, rate, rate, kPrices, of_waiting_target())),
              2e6 + 1.05 * (1 + 3 * waits) * age, 1);
  EXPECT_NEAR(static_cast<double>(follow_for_age_ns(10'000'000, rate, rate, kPrices, rich())),
              2e6 + 1.05 * (1 + runs) * age, 1);
}

TEST(GrowthPlan, SavesAllThatACrowdMayTakeFirst) {
  BurstBudget budget = of_waiting_target();
  budget.tokens_ns = 2.4e6;
  const auto planned = plan_growth(rate_of(4e6), HitRate{}, kPrices, budget);
  ASSERT_FALSE(planned.plan);
  EXPECT_EQ(planned.refusal.reason, Refusal::Reason::kNoTokens);
  EXPECT_DOUBLE_EQ(planned.refusal.needed_ns, 2.5e6);
}

TEST(GrowthPlan, SavesForFourSecondsAtTheMost) {
  BurstBudget budget = of_waiting_target();
  budget.capacity_ns = 18e6;  // of a minute
  budget.tokens_ns = 1.1e6;
  EXPECT_DOUBLE_EQ(plan_growth(rate_of(4e6), HitRate{}, kPrices, budget).refusal.needed_ns, 1.2e6);
  budget.tokens_ns = 1.2e6;
  const auto planned = plan_growth(rate_of(4e6), HitRate{}, kPrices, budget);
  ASSERT_TRUE(planned.plan);
  EXPECT_LE(static_cast<double>(planned.plan->hit_limit) * kPrices.free_ns, 1.2e6);
}

TEST(Pace, NeverEndsABurstThatDoesWhatMayBePlanned) {
  BurstBudget budget;
  budget.slowdown = 1.5;
  budget.max_ns = 5'000'000;
  const double whole_cohort_ns = 5e6 * 0.5;  // the delay that one window may collect
  EXPECT_GT(static_cast<double>(plan_pace(budget, 1).charge_ns), 1.4 * whole_cohort_ns);
}

TEST(Pace, IsLessThanOneCpuCanBeCharged) {
  for (const double slowdown : {1.01, 1.5, 3.0}) {
    BurstBudget budget;
    budget.slowdown = slowdown;
    const PlannedPace pace = plan_pace(budget, 1);
    EXPECT_LT(pace.charge_ns, pace.window_ns) << slowdown;
    EXPECT_GT(pace.charge_ns, 0u) << slowdown;
  }
}

TEST(Pace, IsInCalibratedPricesWhereHitsAreDearer) {
  EXPECT_NEAR(static_cast<double>(plan_pace({}, 2).charge_ns), static_cast<double>(plan_pace({}, 1).charge_ns) / 2, 1);
}

}  // namespace
