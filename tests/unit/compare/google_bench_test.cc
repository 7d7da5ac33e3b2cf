#include "agent/compare/google_bench.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolscope::compare {
namespace {

using testing::ElementsAre;

std::string document(const std::string& entries) {
  return R"({"context": {"date": "x", "host_name": "a", "num_cpus": 2, "library_build_type": "release"}, "benchmarks": [)" +
         entries + "]}";
}

std::string entry(const std::string& more) {
  return R"({"name": "pair/1", "run_name": "pair/1", "run_type": "iteration", "repetitions": 2, "repetition_index": 0, "threads": 1,
    "iterations": 1000, "real_time": 12.5, "cpu_time": 11, "time_unit": "ns")" +
         more + "}";
}

Measurements read(const std::string& entries) {
  auto measurements = read_google_benchmark(document(entries), "new.json");
  EXPECT_TRUE(measurements) << describe(measurements.error());
  return measurements ? std::move(measurements).value() : Measurements{};
}

TEST(GoogleBenchmark, TakesRepetitionsAsSamples) {
  const auto all = read(entry("") + "," + entry(""));
  ASSERT_EQ(all.series.size(), 2u);
  EXPECT_EQ(all.series[0].name, "pair/1");
  EXPECT_EQ(all.series[0].metric.name, "real_time");
  EXPECT_THAT(all.series[0].samples, ElementsAre(12.5e-9, 12.5e-9));
  EXPECT_EQ(all.series[1].metric.name, "cpu_time");
  EXPECT_EQ(all.series[0].config.at("num_cpus"), "2");
  EXPECT_FALSE(all.series[0].config.contains("date"));
}

TEST(GoogleBenchmark, TakesCountersAsMetrics) {
  const auto all = read(entry(R"(, "items_per_second": 5e6, "misses": 3, "label": "x")"));
  ASSERT_EQ(all.series.size(), 4u);
  EXPECT_EQ(all.series[2].metric, (Metric{"items_per_second", Unit::kCountPerSecond, Direction::kHigher}));
  EXPECT_EQ(all.series[3].metric.name, "misses");
}

TEST(GoogleBenchmark, IgnoresAggregates) {
  const auto all = read(entry("") + R"(, {"name": "pair/1_mean", "run_name": "pair/1", "run_type": "aggregate",
    "aggregate_name": "mean", "real_time": 1, "cpu_time": 1, "time_unit": "ns"})");
  EXPECT_EQ(all.series.size(), 2u);
  EXPECT_EQ(all.series[0].samples.size(), 1u);
}

TEST(GoogleBenchmark, LeavesOutFailedRunsAndSaysSo) {
  const auto all =
      read(entry("") + R"(, {"name": "bad", "run_type": "iteration", "error_occurred": true, "error_message": "x"})");
  EXPECT_EQ(all.series.size(), 2u);
  EXPECT_THAT(all.remarks, ElementsAre(testing::HasSubstr("1 run failed")));
}

class TimeUnit : public testing::TestWithParam<std::pair<const char*, double>> {};
TEST_P(TimeUnit, BecomesSeconds) {
  const auto all =
      read(std::string(R"({"name": "x", "real_time": 5, "cpu_time": 5, "time_unit": ")") + GetParam().first + "\"}");
  EXPECT_DOUBLE_EQ(all.series[0].samples[0], GetParam().second);
}
INSTANTIATE_TEST_SUITE_P(Table, TimeUnit,
                         testing::Values(std::pair("ns", 5e-9), std::pair("us", 5e-6), std::pair("ms", 5e-3),
                                         std::pair("s", 5.0)));

struct Damaged {
  const char* name;
  std::string text;
  const char* error;
};
class DamagedGoogleBenchmark : public testing::TestWithParam<Damaged> {};
TEST_P(DamagedGoogleBenchmark, IsAnErrorWithFilePlaceAndCause) {
  const auto result = read_google_benchmark(GetParam().text, "new.json");
  ASSERT_FALSE(result);
  EXPECT_THAT(describe(result.error()), testing::StartsWith(GetParam().error));
}
INSTANTIATE_TEST_SUITE_P(
    Table, DamagedGoogleBenchmark,
    testing::Values(Damaged{"Cut", "{\n\"benchmarks\": [", "new.json: /benchmarks parse error at line 2"},
                    Damaged{"NoList", "{}", "new.json: /benchmarks must be an array"},
                    Damaged{"AnArray", "[]", "new.json: /benchmarks must be an array"},
                    Damaged{"Empty", document(""), "new.json: /benchmarks holds no result"},
                    Damaged{"NoName", document(R"({"real_time": 1})"), "new.json: /benchmarks/0/name is missing"},
                    Damaged{"NoTime", document(R"({"name": "x", "real_time": "1"})"),
                            "new.json: /benchmarks/0/real_time must be a number"},
                    Damaged{"Unit", document(R"({"name": "x", "time_unit": "h"})"),
                            "new.json: /benchmarks/0/time_unit must be"},
                    Damaged{"NoObject", document("7"), "new.json: /benchmarks/0 is no object"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(GoogleBenchmark, IsToldFromOtherJson) {
  EXPECT_TRUE(looks_like_google_benchmark(document("")));
  EXPECT_FALSE(looks_like_google_benchmark(R"({"schema_version": 1})"));
  EXPECT_FALSE(looks_like_google_benchmark("[1]"));
}

}  // namespace
}  // namespace poolscope::compare
