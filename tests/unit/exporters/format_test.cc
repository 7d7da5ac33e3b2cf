#include "exporters/text/format.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "exporters/text/report.h"

namespace {

using namespace poolscope::text;

struct Case {
  const char* name;
  std::string (*format)(double);
  double value;
  const char* text;
};
class Format : public testing::TestWithParam<Case> {};
TEST_P(Format, IsShort) {
  EXPECT_EQ(GetParam().format(GetParam().value), GetParam().text);
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

INSTANTIATE_TEST_SUITE_P(
    Count, Format,
    testing::Values(Case{"Zero", format_count, 0, "0"}, Case{"One", format_count, 1, "1"},
                    Case{"Fraction", format_count, 0.0123, "0.0123"}, Case{"Steps", format_count, 5.2, "5.2"},
                    Case{"BelowThousand", format_count, 999.4, "999"},
                    Case{"RoundsToThousand", format_count, 999.6, "1 k"},
                    Case{"Thousands", format_count, 688'012, "688 k"},
                    Case{"Millions", format_count, 1'234'567, "1.23 M"},
                    Case{"RoundsToMillion", format_count, 999'700, "1 M"}, Case{"Billions", format_count, 5e9, "5 G"},
                    Case{"BeyondTheLastUnit", format_count, 1e22, "10000 E"},
                    Case{"Negative", format_count, -1500, "-1.5 k"}, Case{"NotANumber", format_count, kNan, "?"},
                    Case{"Infinite", format_count, kInfinity, "?"}, Case{"Largest", format_count, 1e18, "1 E"}),
    [](const auto& c) { return c.param.name; });
INSTANTIATE_TEST_SUITE_P(
    Bytes, Format,
    testing::Values(Case{"Zero", format_bytes, 0, "0 B"}, Case{"Small", format_bytes, 63, "63 B"},
                    Case{"LastByte", format_bytes, 1023, "1023 B"}, Case{"Kibi", format_bytes, 1024, "1 KiB"},
                    Case{"Half", format_bytes, 1536, "1.5 KiB"}, Case{"RoundsToMebi", format_bytes, 1048575, "1 MiB"},
                    Case{"Gibi", format_bytes, 2.2e9, "2.05 GiB"}, Case{"NotANumber", format_bytes, kNan, "?"}),
    [](const auto& c) { return c.param.name; });
INSTANTIATE_TEST_SUITE_P(
    Seconds, Format,
    testing::Values(Case{"Zero", format_seconds, 0, "0 ns"}, Case{"Nano", format_seconds, 57e-9, "57 ns"},
                    Case{"Micro", format_seconds, 0.00012, "120 µs"},
                    Case{"RoundsToMilli", format_seconds, 0.0009996, "1 ms"},
                    Case{"Milli", format_seconds, 0.0105, "10.5 ms"}, Case{"Seconds", format_seconds, 90, "90 s"},
                    Case{"Minutes", format_seconds, 150, "2.5 min"}, Case{"RoundsToHour", format_seconds, 3599, "1 h"},
                    Case{"Hours", format_seconds, 9000, "2.5 h"}, Case{"Days", format_seconds, 259200, "3 d"},
                    Case{"Infinite", format_seconds, kInfinity, "?"}),
    [](const auto& c) { return c.param.name; });
INSTANTIATE_TEST_SUITE_P(Ratio, Format,
                         testing::Values(Case{"Zero", format_ratio, 0, "0 %"}, Case{"Whole", format_ratio, 1, "100 %"},
                                         Case{"Usual", format_ratio, 0.123, "12.3 %"},
                                         Case{"BelowOnePercent", format_ratio, 0.00461, "0.46 %"},
                                         Case{"Tiny", format_ratio, 1e-9, "< 0.001 %"},
                                         Case{"Negative", format_ratio, -0.05, "-5 %"},
                                         Case{"NotANumber", format_ratio, kNan, "?"}),
                         [](const auto& c) { return c.param.name; });

TEST(FormatExact, GroupsTheDigits) {
  EXPECT_EQ(format_exact(0), "0");
  EXPECT_EQ(format_exact(999), "999");
  EXPECT_EQ(format_exact(61204), "61 204");
  EXPECT_EQ(format_exact(std::numeric_limits<std::uint64_t>::max()), "18 446 744 073 709 551 615");
}

}  // namespace
