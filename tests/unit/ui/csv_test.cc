#include "ui/model/csv.h"

#include <gtest/gtest.h>

namespace poolscope::viewer {
namespace {

constexpr std::uint64_t kOneSecond = 1'000'000'000, kBegin = 1'700'000'000 * kOneSecond;

Sample sample(std::uint64_t second, double value) {
  return {kBegin + second * kOneSecond, value, {}, {}, false};
}

TEST(Csv, OfLinesHasALineForEachTimeInTheRange) {
  TimePlot plot{"pools.rates", "Gets", Unit::kCount, "/s", {}, false, {}, ""};
  plot.lines.push_back({"gets", {{sample(0, 5), sample(1, 0.1), sample(9, 7)}}, 0, false});
  plot.lines.push_back({"misses: \"empty\"", {{{kBegin + kOneSecond, 2, 1.5, 2.5, false}}}, 1, false});
  EXPECT_EQ(
      csv_of(plot, {kBegin, kBegin + 2 * kOneSecond}),
      "time,unix_seconds,\"gets (1/s)\",\"gets (1/s), low\",\"gets (1/s), high\","
      "\"misses: \"\"empty\"\" (1/s)\",\"misses: \"\"empty\"\" (1/s), low\",\"misses: \"\"empty\"\" (1/s), high\"\n"
      "2023-11-14 22:13:20 UTC,1700000000.000,5,,,,,\n"
      "2023-11-14 22:13:21 UTC,1700000001.000,0.1,,,2,1.5,2.5\n");
}

TEST(Csv, OfWhatWasNotMeasuredHasItsNamesAlone) {
  const TimePlot plot{"churn.rate", "Allocated", Unit::kBytes, "", {{"allocated", {}, 0, false}}, false, {}, ""};
  EXPECT_EQ(csv_of(plot, {0, kBegin}),
            "time,unix_seconds,\"allocated (bytes)\",\"allocated (bytes), low\",\"allocated (bytes), high\"\n");
}

TEST(Csv, OfDistributionsAndCurvesHasTheirNumbers) {
  BarPlot bars;
  bars.bars = {{0, 64, 0.25, ""}, {64, 128, 0.75, ""}};
  EXPECT_EQ(csv_of(bars), "\"above (bytes)\",\"up to (bytes)\",share\n0,64,0.25\n64,128,0.75\n");
  CurvePlot curve;
  curve.x_name = "idle buffers";
  curve.points = {{1, 0.5, 0.625}};
  EXPECT_EQ(csv_of(curve), "\"idle buffers\",low,high\n1,0.5,0.625\n");
}

}  // namespace
}  // namespace poolscope::viewer
