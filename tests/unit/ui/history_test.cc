#include "ui/model/history.h"

#include <gtest/gtest.h>

#include "tests/unit/ui/make_state.h"

namespace poolscope::viewer {
namespace {

using viewer_test::kSecond;
using viewer_test::kStart;
using viewer_test::step_at;

model::MaybeEstimate rate(const model::TargetSnapshot& target) {
  return target.allocations.per_second;
}

TEST(History, IsEmptyAtFirst) {
  const History history;
  EXPECT_FALSE(history.whole().has_value());
  EXPECT_EQ(history.at(kStart), nullptr);
  EXPECT_TRUE(series_of(history, "shop", rate).empty());
}

TEST(History, IsInTheOrderOfTimeHoweverItCame) {
  History history;
  for (const std::uint64_t second : {20, 10, 30}) history.add(step_at(second, static_cast<double>(second)));
  const Series series = series_of(history, "shop", rate);
  ASSERT_EQ(series.samples.size(), 3u);
  EXPECT_EQ(series.samples[0].value, 10);
  EXPECT_EQ(series.samples[2].value, 30);
  EXPECT_EQ(series.samples[1].high, 22);
}

TEST(History, TakesTheLaterOfTwoStepsThatEndTogether) {
  History history;
  history.add(step_at(10, 1));
  history.add(step_at(10, 2));
  ASSERT_EQ(history.steps().size(), 1u);
  EXPECT_EQ(series_of(history, "shop", rate).samples[0].value, 2);
}

TEST(History, IgnoresAStepWithoutASnapshot) {
  History history;
  history.add({{kStart, kStart + 1}, nullptr, 0, 0});
  EXPECT_TRUE(history.steps().empty());
}

TEST(History, FindsTheStepOfATime) {
  History history;
  history.add(step_at(10, 1));
  history.add(step_at(20, 2));
  EXPECT_EQ(history.at(kStart + 15 * kSecond)->range.to_ns, kStart + 10 * kSecond);
  EXPECT_EQ(history.at(kStart + 99 * kSecond)->range.to_ns, kStart + 20 * kSecond);
  EXPECT_EQ(history.at(kStart)->range.to_ns, kStart + 10 * kSecond) << "the first, before all of them";
}

TEST(History, LeavesAHoleWhereNothingWasSeen) {
  History history;
  for (const std::uint64_t second : {10, 20, 100, 110}) history.add(step_at(second, 1));
  const Series series = series_of(history, "shop", rate);
  ASSERT_EQ(series.samples.size(), 4u);
  EXPECT_FALSE(series.samples[1].begins) << "15 s each, 10 s apart: they overlap";
  EXPECT_TRUE(series.samples[2].begins);
  EXPECT_FALSE(series.samples[3].begins);
}

TEST(History, LeavesAHoleWhereTheValueIsAbsent) {
  History history;
  history.add(step_at(10, 1));
  Step without = step_at(20, 1);
  model::Snapshot snapshot = *without.snapshot;
  snapshot.targets[0].allocations.per_second.reset();
  without.snapshot = viewer_test::share(snapshot);
  history.add(without);
  history.add(step_at(30, 1));
  const Series series = series_of(history, "shop", rate);
  ASSERT_EQ(series.samples.size(), 2u);
  EXPECT_TRUE(series.samples[1].begins);
}

TEST(History, GetsCoarserInThePastWhenItIsFull) {
  History history;
  const std::size_t many = History::kMaxSteps + 500;
  for (std::size_t i = 1; i <= many; ++i) history.add(step_at(2 * i, 1));
  EXPECT_LE(history.steps().size(), History::kMaxSteps);
  const TimeRange whole = *history.whole();
  EXPECT_EQ(whole.to_ns, kStart + 2 * many * kSecond);
  EXPECT_LT(whole.from_ns, kStart + 60 * kSecond) << "the beginning is still there";
  const Series series = series_of(history, "shop", rate);
  EXPECT_EQ(std::ranges::count(series.samples, true, &Sample::begins), 1) << "what went leaves no hole";
}

TEST(History, IsBoundedByMemoryToo) {
  History history;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    Step step = step_at(2 * i, 1);
    step.bytes = History::kMaxBytes / 10;
    history.add(std::move(step));
  }
  EXPECT_LE(history.steps().size(), 10u);
  EXPECT_GE(history.steps().size(), 4u);
  EXPECT_EQ(history.whole()->to_ns, kStart + 200 * kSecond);
}

TEST(SeriesOf, APoolIsItsOwn) {
  History history;
  history.add(step_at(10, 7));
  const OfPool gets = [](const model::PoolSummary& pool) { return pool.gets_per_second; };
  EXPECT_EQ(series_of(history, Subject{"shop", "main.buffers"}, gets).samples.size(), 1u);
  EXPECT_TRUE(series_of(history, Subject{"shop", "other"}, gets).empty());
  EXPECT_TRUE(series_of(history, Subject{"other", "main.buffers"}, gets).empty());
}

}  // namespace
}  // namespace poolscope::viewer
