#include "agent/compare/unit.h"

#include <gtest/gtest.h>

namespace poolscope::compare {
namespace {

struct MetricCase {
  const char* name;
  Unit unit;
  Direction better;
};
class MetricNamed : public testing::TestWithParam<MetricCase> {};
TEST_P(MetricNamed, HasTheUnitAndTheDirectionThatItsNameSays) {
  const Metric metric = metric_named(GetParam().name);
  EXPECT_EQ(metric, (Metric{GetParam().name, GetParam().unit, GetParam().better})) << direction_name(metric.better);
}
INSTANTIATE_TEST_SUITE_P(Table, MetricNamed,
                         testing::Values(MetricCase{"sec/op", Unit::kSeconds, Direction::kLower},
                                         MetricCase{"B/op", Unit::kBytes, Direction::kLower},
                                         MetricCase{"allocs/op", Unit::kCount, Direction::kLower},
                                         MetricCase{"B/s", Unit::kBytesPerSecond, Direction::kHigher},
                                         MetricCase{"real_time", Unit::kSeconds, Direction::kLower},
                                         MetricCase{"p99-sec", Unit::kSeconds, Direction::kLower},
                                         MetricCase{"items_per_second", Unit::kCountPerSecond, Direction::kHigher},
                                         MetricCase{"bytes_per_second", Unit::kBytesPerSecond, Direction::kHigher},
                                         MetricCase{"hit_ratio", Unit::kRatio, Direction::kHigher},
                                         MetricCase{"misses/op", Unit::kCount, Direction::kLower},
                                         MetricCase{"widgets", Unit::kCount, Direction::kUnknown},
                                         MetricCase{"", Unit::kCount, Direction::kUnknown}));

TEST(FormatValue, ScalesAsReportsDo) {
  EXPECT_EQ(format_value(Unit::kSeconds, 1.718e-6), "1.72 µs");
  EXPECT_EQ(format_value(Unit::kBytes, 4096), "4 KiB");
  EXPECT_EQ(format_value(Unit::kBytesPerSecond, 1536), "1.5 KiB/s");
  EXPECT_EQ(format_value(Unit::kCountPerSecond, 2e6), "2 M/s");
  EXPECT_EQ(format_value(Unit::kRatio, 0.5), "50 %");
}

TEST(FormatChange, IsInPercentWithItsSign) {
  EXPECT_EQ(format_change(0.828), "-17.2 %");
  EXPECT_EQ(format_change(1.05), "+5 %");
  EXPECT_EQ(format_change(1), "0 %");
  EXPECT_EQ(format_change(0), "-100 %");
}

}  // namespace
}  // namespace poolscope::compare
