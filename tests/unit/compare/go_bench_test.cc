#include "agent/compare/go_bench.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolscope::compare {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Measurements read(const std::string& text) {
  auto measurements = read_go_benchmark(text, "old.txt");
  EXPECT_TRUE(measurements) << describe(measurements.error());
  return measurements ? std::move(measurements).value() : Measurements{};
}

TEST(GoBenchmark, GivesOneSeriesPerNameAndUnit) {
  const auto all = read(
      "goos: linux\nBenchmarkEncode/format=json-8 \t 100 \t 1726 ns/op\t 512 B/op\t 3 allocs/op\n"
      "BenchmarkEncode/format=json-8   100 1720 ns/op 512 B/op 3 allocs/op\nPASS\nok  \texample 1.2s\n");
  ASSERT_EQ(all.series.size(), 3u);
  EXPECT_EQ(all.kind, SourceKind::kGoBenchmark);
  EXPECT_EQ(all.series[0].name, "Encode/format=json-8");
  EXPECT_EQ(all.series[0].metric.name, "sec/op");
  EXPECT_THAT(all.series[0].samples, ElementsAre(1726e-9, 1720e-9));
  EXPECT_EQ(all.series[1].metric.name, "B/op");
  EXPECT_THAT(all.series[2].samples, ElementsAre(3, 3));
  EXPECT_THAT(all.series[0].config, ElementsAre(testing::Pair("goos", "linux")));
}

TEST(GoBenchmark, TurnsMegabytesPerSecondIntoBytes) {
  const auto all = read("BenchmarkCopy 1 36.5 MB/s 12 p99-ns");
  EXPECT_EQ(all.series[0].metric.name, "B/s");
  EXPECT_EQ(all.series[0].samples[0], 36.5e6);
  EXPECT_EQ(all.series[1].metric.name, "p99-sec");
  EXPECT_EQ(all.series[1].samples[0], 12e-9);
}

TEST(GoBenchmark, KeepsTheConfigurationThatHeldAtTheResult) {
  const auto all =
      read("pkg: a\nBenchmarkX 1 1 ns/op\npkg: b\nnote:\tslow\nBenchmarkX 1 2 ns/op\nnote:\nBenchmarkX 1 3 ns/op\n");
  ASSERT_EQ(all.series.size(), 3u);
  EXPECT_THAT(all.series[0].config, ElementsAre(testing::Pair("pkg", "a")));
  EXPECT_THAT(all.series[1].config, ElementsAre(testing::Pair("note", "slow"), testing::Pair("pkg", "b")));
  EXPECT_THAT(all.series[2].config, ElementsAre(testing::Pair("pkg", "b")));
}

TEST(GoBenchmark, BelievesUnitLinesAboutWhatIsBetter) {
  const auto all =
      read("Unit widgets better=higher assume=exact\nUnit ns/op better=higher\nBenchmarkX 1 5 widgets 5 ns/op\n");
  EXPECT_EQ(all.series[0].metric.better, Direction::kHigher);
  EXPECT_EQ(all.series[1].metric.better, Direction::kHigher);
}

TEST(GoBenchmark, IgnoresWhatIsNoResult) {
  const auto all = read(
      "Benchmarking is hard: 5 ns\nBenchmarkX\n  BenchmarkX 1 2 ns/op\n--- BENCH: BenchmarkX-8\nkey without "
      "colon\nNot: a key\n"
      "url:no blank\nBenchmarkX-8 1 5 ns/op\r\nFAIL\n");
  ASSERT_EQ(all.series.size(), 1u);
  EXPECT_EQ(all.series[0].name, "X-8");
  EXPECT_TRUE(all.series[0].config.empty());
}

struct Damaged {
  const char* name;
  const char* text;
  const char* error;
};
class DamagedGoBenchmark : public testing::TestWithParam<Damaged> {};
TEST_P(DamagedGoBenchmark, IsAnErrorWithFileLineAndCause) {
  const auto result = read_go_benchmark(GetParam().text, "old.txt");
  ASSERT_FALSE(result);
  EXPECT_THAT(describe(result.error()), testing::StartsWith(GetParam().error));
}
INSTANTIATE_TEST_SUITE_P(
    Table, DamagedGoBenchmark,
    testing::Values(Damaged{"Empty", "", "old.txt: holds no result"},
                    Damaged{"Prose", "hello\n", "old.txt: holds no result"},
                    Damaged{"NoIterations", "\n\nBenchmarkX many 5 ns/op",
                            "old.txt:3: `many` is no number of iterations"},
                    Damaged{"ZeroIterations", "BenchmarkX 0 5 ns/op", "old.txt:1: `0` is no number of iterations"},
                    Damaged{"NoValue", "BenchmarkX 1", "old.txt:1: no value after the iterations of `BenchmarkX`"},
                    Damaged{"NoUnit", "BenchmarkX 1 5 ns/op 7", "old.txt:1: no unit after `7`"},
                    Damaged{"BadValue", "BenchmarkX 1 5x ns/op", "old.txt:1: `5x` is no number"},
                    Damaged{"Infinite", "BenchmarkX 1 inf ns/op", "old.txt:1: `inf` is no number"},
                    Damaged{"NotANumber", "BenchmarkX 1 nan ns/op", "old.txt:1: `nan` is no number"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(GoBenchmark, RefusesMoreThanItsLimits) {
  std::string samples;
  for (std::size_t i = 0; i <= kMaxSamples; ++i) samples += "BenchmarkX 1 5 ns/op\n";
  const auto many = read_go_benchmark(samples, "old.txt");
  ASSERT_FALSE(many);
  EXPECT_THAT(describe(many.error()), HasSubstr("old.txt:2001: more than 2000 samples of X"));
  const auto wide = read_go_benchmark("BenchmarkX 1 5 " + std::string(70'000, 'x'), "old.txt");
  ASSERT_FALSE(wide);
  EXPECT_THAT(describe(wide.error()), HasSubstr("a line of more than 64 KiB"));
}

}  // namespace
}  // namespace poolscope::compare
