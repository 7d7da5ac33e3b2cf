#include "agent/budget/burst_turns.h"

#include <gtest/gtest.h>

namespace poolscope::budget {
namespace {

struct Taken {
  unsigned cohorts = 0, long_follows = 0;
};

Taken taken_in(unsigned bursts, bool is_churn_known) {
  std::mt19937_64 random(1);
  BurstTurns turns;
  turns.set_churn_known(is_churn_known);
  Taken taken;
  for (unsigned i = 0; i < bursts; ++i) {
    const bool is_cohort = turns.is_cohorts_turn();
    taken.cohorts += is_cohort ? 1 : 0;
    taken.long_follows += is_cohort && turns.is_long_follow() ? 1 : 0;
    turns.took(is_cohort ? BurstTurns::Kind::kCohort : BurstTurns::Kind::kRate, random);
  }
  return taken;
}

TEST(BurstTurns, GivesHalfOfTheBurstsToCohorts) {
  EXPECT_EQ(taken_in(240, false).cohorts, 120u);
  EXPECT_EQ(taken_in(240, false).long_follows, 120u / BurstTurns::kLongFollowEvery);
}

TEST(BurstTurns, GivesFewToCohortsOnceChurnIsKnownAndStillFollowsSomeForLong) {
  EXPECT_EQ(taken_in(240, true).cohorts, 240u / BurstTurns::kCohortEveryKnown);
  EXPECT_EQ(taken_in(240, true).long_follows, 240u / BurstTurns::kCohortEveryKnown / BurstTurns::kLongFollowEvery);
}

// Of 60 turns that cohorts cannot have, those that go to looks at growth.
unsigned looks_in(BurstTurns& turns, bool has_grown) {
  std::mt19937_64 random(1);
  unsigned looks = 0;
  for (unsigned turns_of_cohorts = 0; turns_of_cohorts < 60;) {
    if (turns.is_cohorts_turn()) {
      ++turns_of_cohorts;
      if (turns.is_growth_wanted()) {
        ++looks;
        turns.looked_at_growth(has_grown);
        turns.took(BurstTurns::Kind::kCohort, random);
        continue;
      }
    }
    turns.took(BurstTurns::Kind::kRate, random);
  }
  return looks;
}

TEST(BurstTurns, LooksAtGrowthOnceTheRateIsKnownWithRateBurstsInBetween) {
  BurstTurns turns;
  EXPECT_FALSE(turns.is_growth_wanted());
  const unsigned looks = looks_in(turns, true);
  EXPECT_GT(looks, 5u);
  EXPECT_LT(looks, 15u);
}

TEST(BurstTurns, LooksSeldomWhereNothingGrowsAndMoreOftenAgainWhenItDoes) {
  BurstTurns vain, again;
  EXPECT_LT(looks_in(vain, false), BurstTurns::kVainLooks + 60 / BurstTurns::kGrowthEveryVain + 1);
  (void)looks_in(again, false);
  EXPECT_GT(looks_in(again, true), looks_in(vain, false));
}

TEST(BurstTurns, CountsFreesInOneBurstOfThreeOrFourWhereCohortsAreRefused) {
  std::mt19937_64 random(1);
  BurstTurns turns;
  unsigned frees = 0;
  for (unsigned burst = 0; burst < 400; ++burst) {
    const bool is_of_frees = turns.is_cohorts_turn() && turns.is_frees_wanted();
    frees += is_of_frees ? 1 : 0;
    turns.took(is_of_frees ? BurstTurns::Kind::kFrees : BurstTurns::Kind::kRate, random);
  }
  EXPECT_GT(frees, 90u);
  EXPECT_LT(frees, 135u);
}

TEST(BurstTurns, OfFreesDoNotPutOffLooksAtGrowth) {
  std::mt19937_64 random(1);
  BurstTurns turns;
  for (unsigned burst = 0; burst < BurstTurns::kRateBurstsFirst; ++burst) turns.took(BurstTurns::Kind::kRate, random);
  turns.took(BurstTurns::Kind::kFrees, random);
  EXPECT_TRUE(turns.is_growth_wanted());
  EXPECT_FALSE(turns.is_frees_wanted());
}

}  // namespace
}  // namespace poolscope::budget
