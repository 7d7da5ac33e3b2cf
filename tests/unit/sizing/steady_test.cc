#include "pools/sizing/steady.h"

#include <random>

#include <gtest/gtest.h>

namespace poolscope::sizing {
namespace {

Proposal proposing(std::uint64_t current, std::uint64_t best, double low, double value) {
  return {current, best, {value, low, 2 * value - low}, 0};
}

TEST(Patience, GrowsAfterTwoEpochsInARow) {
  Patience patience;
  EXPECT_EQ(patience.note(proposing(10, 20, 1, 5), 10), std::nullopt);
  EXPECT_EQ(patience.note(proposing(10, 20, 1, 5), 10), 20u);
  EXPECT_EQ(patience.note(proposing(10, 20, 1, 5), 10), std::nullopt) << "it begins anew";
}

TEST(Patience, ShrinksAfterFiveAndByAQuarterAtMost) {
  Patience patience;
  for (int epoch = 0; epoch < 4; ++epoch) EXPECT_EQ(patience.note(proposing(100, 10, 1, 5), 10), std::nullopt);
  EXPECT_EQ(patience.note(proposing(100, 10, 1, 5), 10), 75u);
}

TEST(Patience, ForgetsAnEpochInWhichTheSavingWasNotSure) {
  Patience patience;
  (void)patience.note(proposing(10, 20, 1, 5), 10);
  EXPECT_EQ(patience.note(proposing(10, 20, -1, 5), 10), std::nullopt);
  EXPECT_EQ(patience.note(proposing(10, 20, 1, 5), 10), std::nullopt);
  EXPECT_EQ(patience.note(proposing(10, 20, 1, 5), 10), 20u);
}

TEST(Patience, BeginsAnewWhenTheDirectionTurns) {
  Patience patience;
  (void)patience.note(proposing(10, 20, 1, 5), 10);
  (void)patience.note(proposing(10, 5, 1, 5), 10);
  EXPECT_EQ(patience.epochs, 1u);
  EXPECT_FALSE(patience.is_growth);
}

TEST(Patience, TellsTheAnswerNearestToTheCurrentValue) {
  Patience patience;
  (void)patience.note(proposing(10, 40, 1, 5), 10);
  EXPECT_EQ(patience.note(proposing(10, 20, 1, 5), 10), 20u);
  (void)patience.note(proposing(10, 20, 1, 5), 10);
  EXPECT_EQ(patience.note(proposing(10, 40, 1, 5), 10), 20u);
}

TEST(Patience, WaitsUntilStayingHasCostWhatChangingCosts) {
  Patience patience;
  Proposal proposal = proposing(10, 20, 1, 5);
  proposal.switch_cost_ns = 200;
  int epochs = 1;
  while (!patience.note(proposal, 10)) ++epochs;
  EXPECT_EQ(epochs, 5) << "50 an epoch, more than 200";
}

TEST(Patience, IgnoresChangesBelowAFifth) {
  Patience patience;
  for (int epoch = 0; epoch < 20; ++epoch) EXPECT_FALSE(patience.note(proposing(100, 119, 1, 5), 10));
  for (int epoch = 0; epoch < 20; ++epoch) EXPECT_FALSE(patience.note(proposing(1, 1, 1, 5), 10));
}

TEST(Patience, ChangesAtMostOnceInAWeekOfStationaryLoad) {
  // Every 10 s an answer that is off by 3 % by chance, each followed by what was told.
  std::mt19937 random(4);
  std::normal_distribution<double> noise(0, 1);
  Patience patience;
  std::uint64_t current = 30;
  int changes = 0;
  for (int epoch = 0; epoch < 7 * 24 * 360; ++epoch) {
    const auto best = static_cast<std::uint64_t>(64 + 2 * noise(random));
    const double saving = (64.0 - static_cast<double>(current)) * (best > current ? 1 : -1) * 10;
    const auto told = patience.note(proposing(current, best, saving + 10 * noise(random) - 20, saving), 10);
    if (told) {
      current = *told;
      ++changes;
    }
  }
  EXPECT_EQ(changes, 1);
  EXPECT_NEAR(static_cast<double>(current), 64, 6);
}

int first_alarm(Cusum& cusum, std::mt19937& random, double mean, int most) {
  std::normal_distribution<double> value(mean, 1);
  for (int i = 0; i < most; ++i) {
    if (cusum.note(value(random))) return i;
  }
  return most;
}

TEST(Cusum, NoticesAShiftOfTwoDeviationsWithinTwelveObservations) {
  std::mt19937 random(1);
  int slow = 0;
  for (int round = 0; round < 200; ++round) {
    Cusum cusum;
    for (std::size_t i = 0; i < Cusum::kReference; ++i) (void)first_alarm(cusum, random, 100, 1);
    ASSERT_FALSE(cusum.is_learning());
    slow += first_alarm(cusum, random, 102, 100) > 12 ? 1 : 0;
  }
  EXPECT_LE(slow, 20) << "of 200; the reference of 30 is itself uncertain";
}

TEST(Cusum, NoticesFalls) {
  std::mt19937 random(1);
  Cusum cusum;
  for (std::size_t i = 0; i < Cusum::kReference; ++i) (void)first_alarm(cusum, random, 100, 1);
  EXPECT_LT(first_alarm(cusum, random, 95, 100), 12);
  EXPECT_TRUE(cusum.is_learning()) << "what comes now is the new reference";
}

TEST(Cusum, RarelyAlarmsWithoutAChange) {
  std::mt19937 random(9);
  int alarms = 0;
  constexpr int kObservations = 200'000;
  std::normal_distribution<double> value(100, 1);
  Cusum cusum;
  for (int i = 0; i < kObservations; ++i) alarms += cusum.note(value(random)) ? 1 : 0;
  RecordProperty("observations_per_alarm", kObservations / std::max(1, alarms));
  EXPECT_LT(alarms, kObservations / 500);
}

TEST(Cusum, OfAConstantDoesNotAlarmAtAPercent) {
  Cusum cusum;
  for (std::size_t i = 0; i < Cusum::kReference; ++i) EXPECT_FALSE(cusum.note(100));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(cusum.note(i % 2 == 0 ? 100.4 : 100));
}

TEST(WorkingSet, GivesBackHalfOfWhatWasNeverNeeded) {
  WorkingSet set;
  for (int interval = 0; interval < 10; ++interval) set.note(40, 60);
  EXPECT_NEAR(set.buffers, 20, 0.1);
  EXPECT_EQ(set.surplus(60), 20u);
  EXPECT_EQ(set.surplus(15), 0u);
}

TEST(WorkingSet, OfIntervalsThatNeededAllGivesBackNothing) {
  WorkingSet set;
  for (int interval = 0; interval < 10; ++interval) set.note(0, 60);
  EXPECT_EQ(set.surplus(60), 0u);
}

}  // namespace
}  // namespace poolscope::sizing
