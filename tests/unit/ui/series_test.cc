#include "ui/model/series.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ui/make_state.h"

namespace poolscope::viewer {
namespace {

using testing::ElementsAre;

using viewer_test::kSecond;
constexpr TimeRange kHundred{100 * kSecond, 200 * kSecond};

Series every_second(std::uint64_t first, std::size_t count, double value = 1) {
  Series series;
  for (std::size_t i = 0; i < count; ++i) series.samples.push_back({(first + i) * kSecond, value, {}, {}, i == 0});
  return series;
}

TEST(TraceOf, IsEmptyWithoutSamplesColumnsOrTime) {
  EXPECT_TRUE(trace_of({}, kHundred, 100).empty());
  EXPECT_TRUE(trace_of(every_second(100, 5), kHundred, 0).empty());
  EXPECT_TRUE(trace_of(every_second(100, 5), {}, 100).empty());
}

TEST(TraceOf, HasEverySampleWhileTheyAreFewerThanColumns) {
  const Trace trace = trace_of(every_second(100, 3), kHundred, 50);
  ASSERT_EQ(trace.size(), 3u);
  EXPECT_DOUBLE_EQ(trace[0].position, 0);
  EXPECT_DOUBLE_EQ(trace[2].position, 0.02);
  EXPECT_TRUE(trace[0].begins);
  EXPECT_FALSE(trace[1].begins);
}

TEST(TraceOf, TakesOneSampleOnEitherSideAlong) {
  const Trace trace = trace_of(every_second(0, 1000), {500 * kSecond, 502 * kSecond}, 50);
  ASSERT_EQ(trace.size(), 5u);
  EXPECT_LT(trace.front().position, 0);
  EXPECT_GT(trace.back().position, 1);
}

TEST(TraceOf, HasAtMostTwoPointsForAColumn) {
  std::mt19937 random(7);
  Series series = every_second(100, 100);
  series.samples.clear();
  for (std::uint64_t i = 0; i < 10'000; ++i)
    series.samples.push_back({100 * kSecond + i * 10'000'000, static_cast<double>(random() % 1000), {}, {}, i == 0});
  EXPECT_LE(trace_of(series, kHundred, 50).size(), 2u * 50 + 2);
}

TEST(TraceOf, LosesNoExtreme) {
  Series series = every_second(100, 100);
  for (std::uint64_t i = 0; i < 1000; ++i) series.samples.push_back({(200 * kSecond) + i, 1, {}, {}, false});
  series.samples[37].value = 99;
  series.samples[63].value = -5;
  std::ranges::sort(series.samples, {}, &Sample::unix_ns);
  const Trace trace = trace_of(series, kHundred, 10);
  const auto [least, greatest] = std::ranges::minmax_element(trace, {}, &TracePoint::value);
  EXPECT_EQ(least->value, -5);
  EXPECT_EQ(greatest->value, 99);
}

TEST(TraceOf, KeepsExtremesInTheOrderInWhichTheyCame) {
  Series series = every_second(100, 99);
  series.samples[10].value = 5;  // up, then down, in one column
  series.samples[12].value = 0;
  const Trace trace = trace_of(series, kHundred, 2);
  ASSERT_GE(trace.size(), 2u);
  EXPECT_EQ(trace[0].value, 5);
  EXPECT_EQ(trace[1].value, 0);
}

TEST(TraceOf, HasTheWidestIntervalOfAColumn) {
  Series series = every_second(100, 100);
  series.samples[3].low = 0.5;
  series.samples[3].high = 1.5;
  series.samples[4].low = 0.2;
  const Trace trace = trace_of(series, kHundred, 1);
  ASSERT_FALSE(trace.empty());
  EXPECT_EQ(trace.front().low, 0.2);
  EXPECT_EQ(trace.front().high, 1.5);
}

TEST(TraceOf, KeepsHoles) {
  Series series = every_second(100, 99);
  series.samples[50].begins = true;
  const Trace trace = trace_of(series, kHundred, 10);
  EXPECT_EQ(std::ranges::count(trace, true, &TracePoint::begins), 2);
}

TEST(Nearest, IsTheClosestInTheRange) {
  const Series series = every_second(100, 11);
  EXPECT_EQ(nearest(series, kHundred, 104'400'000'000)->unix_ns, 104 * kSecond);
  EXPECT_EQ(nearest(series, kHundred, 104'600'000'000)->unix_ns, 105 * kSecond);
  EXPECT_EQ(nearest(series, kHundred, 190 * kSecond)->unix_ns, 110 * kSecond);
  EXPECT_EQ(nearest(series, {150 * kSecond, 160 * kSecond}, 155 * kSecond), nullptr);
  EXPECT_EQ(nearest({}, kHundred, 155 * kSecond), nullptr);
}

TEST(ExtentOf, IncludesIntervalsAndLeavesOutWhatIsNoNumber) {
  Series series = every_second(100, 3);
  series.samples[0].value = std::nan("");
  series.samples[1].high = 9;
  series.samples[2].low = -1;
  const auto extent = extent_of(series, kHundred);
  ASSERT_TRUE(extent.has_value());
  EXPECT_EQ(extent->low, -1);
  EXPECT_EQ(extent->high, 9);
  EXPECT_FALSE(extent_of(series, {0, 5}).has_value());
}

TEST(AxisMarks, AreRoundAndReachTheValue) {
  EXPECT_THAT(axis_marks(9, 5, false), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(axis_marks(1, 5, false), ElementsAre(0, 0.2, 0.4, 0.6000000000000001, 0.8, 1));
  EXPECT_THAT(axis_marks(3000, 4, true), ElementsAre(0, 1024, 2048, 3072));
}

TEST(AxisMarks, AreThereForValuesThatAreNone) {
  for (const double high : {0.0, -3.0, std::nan(""), HUGE_VAL}) EXPECT_EQ(axis_marks(high, 4, false).back(), 1) << high;
}

TEST(TimeMarks, AreAtWholeTimesAndAtMostSoMany) {
  const std::uint64_t noon = 1'795'176'000 * kSecond;  // 2026-11-20 12:00:00
  const auto marks = time_marks({noon - 150 * kSecond, noon + 150 * kSecond}, 6);
  ASSERT_EQ(marks.size(), 5u);
  EXPECT_EQ(marks[2].label, "12:00");
  EXPECT_EQ(time_marks({noon, noon + 4 * kSecond}, 6)[1].label, "12:00:01");
  EXPECT_TRUE(time_marks({}, 6).empty());
}

TEST(TimeMarks, SayTheDayWhereItIsAnotherOne) {
  const std::uint64_t midnight = 1'795'219'200 * kSecond;  // 2026-11-21 00:00:00
  const auto marks = time_marks({midnight - 3600 * kSecond, midnight + 3600 * kSecond}, 3);
  ASSERT_FALSE(marks.empty());
  EXPECT_EQ(marks.front().label.substr(0, 6), "11-20 ");
  EXPECT_EQ(marks.back().label.size(), 5u);
}

}  // namespace
}  // namespace poolscope::viewer
