#include "exporters/model/time_point.h"

#include <gtest/gtest.h>

namespace poolscope::model {
namespace {

struct TimeCase {
  const char* name;
  const char* text;
  std::optional<TimePoint> time;
};
class TimePoints : public ::testing::TestWithParam<TimeCase> {};

TEST_P(TimePoints, AreReadOrRefused) {
  const auto time = parse_time_point(GetParam().text);
  ASSERT_EQ(time.has_value(), GetParam().time.has_value());
  if (time) {
    EXPECT_EQ(*time, *GetParam().time);
  }
}
INSTANTIATE_TEST_SUITE_P(
    Table, TimePoints,
    ::testing::Values(TimeCase{"Seconds", "1700000000", TimePoint{false, 1'700'000'000'000'000'000}},
                      TimeCase{"Epoch", "0", TimePoint{}},
                      TimeCase{"Fraction", "1700000000.25", TimePoint{false, 1'700'000'000'250'000'000}},
                      TimeCase{"SecondsBefore", "-90s", TimePoint{true, 90'000'000'000}},
                      TimeCase{"PartOfAMinuteBefore", "-1.5m", TimePoint{true, 90'000'000'000}},
                      TimeCase{"HoursBefore", "-2h", TimePoint{true, 7'200'000'000'000}},
                      TimeCase{"DaysBefore", "-1d", TimePoint{true, 86'400'000'000'000}},
                      TimeCase{"MillisecondsBefore", "-500ms", TimePoint{true, 500'000'000}}, TimeCase{"Empty", "", {}},
                      TimeCase{"MinusAlone", "-", {}}, TimeCase{"NoUnit", "-60", {}},
                      TimeCase{"UnitOfATime", "60s", {}}, TimeCase{"TwoSigns", "--60s", {}},
                      TimeCase{"OtherUnit", "-60w", {}}, TimeCase{"Rest", "17x", {}}, TimeCase{"Blank", " 17", {}},
                      TimeCase{"NoNumber", "nan", {}}, TimeCase{"Infinite", "-infs", {}},
                      TimeCase{"TooLarge", "1e30", {}}, TimeCase{"TooLate", "99999999999", {}}),
    [](const auto& info) { return info.param.name; });

TEST(TimePoint, BeforeTheEndIsCountedFromThere) {
  EXPECT_EQ((TimePoint{true, 30}.unix_ns(100)), 70u);
  EXPECT_EQ((TimePoint{true, 300}.unix_ns(100)), 0u);
  EXPECT_EQ((TimePoint{false, 300}.unix_ns(100)), 300u);
}

}  // namespace
}  // namespace poolscope::model
