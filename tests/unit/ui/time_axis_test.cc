#include "ui/model/time_axis.h"

#include <limits>

#include <gtest/gtest.h>

#include "tests/unit/ui/make_state.h"

namespace poolscope::viewer {
namespace {

using viewer_test::kSecond;

TimeRange seconds(std::uint64_t from, std::uint64_t to) {
  return {from * kSecond, to * kSecond};
}

class TimeAxisOfAnHour : public testing::Test {
 protected:
  TimeAxisOfAnHour() { axis_.set_bounds(seconds(10'000, 13'600)); }
  TimeAxis axis_;
};

TEST(TimeAxis, IsEmptyAndStandsStillBeforeThereIsData) {
  TimeAxis axis;
  axis.zoom(2, 0.5);
  axis.pan(1);
  axis.show(1, 2);
  axis.scrub_to(5);
  axis.show_all();
  EXPECT_EQ(axis.shown(), TimeRange());
}

TEST_F(TimeAxisOfAnHour, ShowsTheLastFiveMinutesAtFirst) {
  EXPECT_EQ(axis_.shown(), seconds(13'300, 13'600));
  EXPECT_TRUE(axis_.follows());
}

TEST_F(TimeAxisOfAnHour, MovesWithTheEndWhileItFollows) {
  axis_.set_bounds(seconds(10'000, 13'602));
  EXPECT_EQ(axis_.shown(), seconds(13'302, 13'602));
}

TEST_F(TimeAxisOfAnHour, StandsStillWhilePaused) {
  axis_.pause();
  axis_.set_bounds(seconds(10'000, 13'700));
  EXPECT_EQ(axis_.shown(), seconds(13'300, 13'600));
  axis_.follow();
  EXPECT_EQ(axis_.shown(), seconds(13'400, 13'700));
}

TEST_F(TimeAxisOfAnHour, ZoomsAtTheEndWhileItFollows) {
  axis_.zoom(2, 0.1);
  EXPECT_EQ(axis_.shown(), seconds(13'000, 13'600));
  EXPECT_TRUE(axis_.follows());
}

TEST_F(TimeAxisOfAnHour, ZoomKeepsWhatIsUnderTheMouse) {
  axis_.show(12'000 * kSecond, 12'400 * kSecond);
  axis_.zoom(0.5, 0.25);  // 12 100 stays a quarter from the left
  EXPECT_EQ(axis_.shown(), seconds(12'050, 12'250));
}

TEST_F(TimeAxisOfAnHour, ZoomsNoFurtherThanTenSecondsAndAllThereIs) {
  axis_.zoom(1e-9, 0.5);
  EXPECT_EQ(axis_.shown().length_ns(), TimeAxis::kMinLengthNs);
  axis_.zoom(1e9, 0.5);
  EXPECT_EQ(axis_.shown(), axis_.bounds());
}

TEST_F(TimeAxisOfAnHour, IgnoresZoomsThatAreNoNumbers) {
  for (const double factor :
       {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    axis_.zoom(factor, 0.5);
    EXPECT_EQ(axis_.shown(), seconds(13'300, 13'600)) << factor;
  }
}

TEST_F(TimeAxisOfAnHour, PanStopsFollowingAndStaysInside) {
  axis_.pan(-1);
  EXPECT_EQ(axis_.shown(), seconds(13'000, 13'300));
  EXPECT_FALSE(axis_.follows());
  axis_.pan(-1e9);
  EXPECT_EQ(axis_.shown(), seconds(10'000, 10'300));
  axis_.pan(1e9);
  EXPECT_EQ(axis_.shown(), seconds(13'300, 13'600));
}

TEST_F(TimeAxisOfAnHour, ShowsARangeGivenInEitherDirection) {
  axis_.show(11'200 * kSecond, 11'000 * kSecond);
  EXPECT_EQ(axis_.shown(), seconds(11'000, 11'200));
}

TEST_F(TimeAxisOfAnHour, ScrubsWithTheSameLength) {
  axis_.scrub_to(11'000 * kSecond);
  EXPECT_EQ(axis_.shown(), seconds(10'700, 11'000));
  axis_.scrub_to(0);
  EXPECT_EQ(axis_.shown(), seconds(10'000, 10'300));
}

TEST_F(TimeAxisOfAnHour, FollowsAgainWithTheLengthThatWasChosenLast) {
  axis_.show(11'000 * kSecond, 11'100 * kSecond);
  axis_.toggle();
  EXPECT_EQ(axis_.shown(), seconds(13'500, 13'600));
}

TEST(TimeAxis, ShowsTheLeastLengthWhileThereIsLessData) {
  TimeAxis axis;
  axis.set_bounds(seconds(100, 102));
  EXPECT_EQ(axis.shown(), seconds(92, 102));
  axis.set_bounds(seconds(100, 160));
  EXPECT_EQ(axis.shown(), seconds(100, 160)) << "as much as there is of five minutes";
}

TEST(TimeRange, SaysWherePlacesAre) {
  const TimeRange range = seconds(100, 200);
  EXPECT_DOUBLE_EQ(range.position(125e9), 0.25);
  EXPECT_EQ(range.at(0.25), 125 * kSecond);
  EXPECT_EQ(range.at(7), 200 * kSecond);
  EXPECT_EQ(TimeRange().position(5), 0) << "of an empty one";
}

}  // namespace
}  // namespace poolscope::viewer
