// What people read. The figures of the golden file are those of a report on pooled buffers in a serializer, with samples around them.
#include "agent/compare/report.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "agent/compare/wording.h"
#include "tests/unit/compare/make_series.h"
#include "tests/unit/exporters/golden.h"

namespace poolscope::compare {
namespace {

using testing::around;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::series;
using testing::side;

std::vector<double> all(double value) {
  return std::vector<double>(10, value);
}

Measurements baseline() {
  return side({series("TableMetadata-12", "sec/op", around(10.71e-6)), series("TableMetadata-12", "B/op", all(9236)),
               series("TableMetadata-12", "allocs/op", all(232)), series("LargeSchema-12", "sec/op", around(50.42e-6)),
               series("LargeSchema-12", "B/op", all(43622)), series("LargeSchema-12", "allocs/op", all(1106)),
               series("TokenGeneration-12", "sec/op", around(250.6e-9)), series("TokenGeneration-12", "B/op", all(128)),
               series("TokenGeneration-12", "allocs/op", all(2)), series("Concurrent-12", "sec/op", around(598.8e-9)),
               series("Concurrent-12", "B/op", all(4096)), series("Concurrent-12", "allocs/op", all(1)),
               series("Removed-12", "sec/op", around(1))});
}

Measurements pooled() {
  return side({series("TableMetadata-12", "sec/op", around(10.73e-6)), series("TableMetadata-12", "B/op", all(7444)),
               series("TableMetadata-12", "allocs/op", all(231)), series("LargeSchema-12", "sec/op", around(50.39e-6)),
               series("LargeSchema-12", "B/op", all(35451)), series("LargeSchema-12", "allocs/op", all(1105)),
               series("TokenGeneration-12", "sec/op", around(277.3e-9)), series("TokenGeneration-12", "B/op", all(152)),
               series("TokenGeneration-12", "allocs/op", all(3)), series("Concurrent-12", "sec/op", around(1.797e-9)),
               series("Concurrent-12", "B/op", all(0)), series("Concurrent-12", "allocs/op", all(0))});
}

constexpr const char* kGoals =
    "criteria:\n"
    "  - {name: allocation reduction, benchmark: '[TL]a*-12', metric: B/op, target_ratio: 0.7}\n"
    "  - {name: concurrent access, benchmark: 'Concurrent*', metric: B/op, target_ratio: 0}\n"
    "  - {name: no latency regression, benchmark: '[TL]a*-12', metric: sec/op, target_ratio: 1.02}\n"
    "  - {name: pool hit rate, metric: hit_ratio, target: 0.8}\n";

struct Report {
  Comparison comparison = compare(baseline(), pooled()).value();
  std::vector<Judgement> judgements = judge(comparison, parse_criteria(kGoals, "goals.yaml").value());
};

TEST(ComparisonText, IsAsInTheGoldenFile) {
  const Report report;
  test::expect_golden("compare.txt", comparison_text(report.comparison, report.judgements, {}));
}

TEST(ComparisonMarkdown, IsAsInTheGoldenFile) {
  const Report report;
  test::expect_golden("compare.md.txt", comparison_markdown(report.comparison, report.judgements));
}

// The report said: partial, met, met; hits were not part of its benchmarks.
TEST(ComparisonOfTheSerializerReport, ReachesItsOwnVerdicts) {
  const Report report;
  EXPECT_EQ(report.judgements[0].status, Status::kPartial);
  EXPECT_EQ(report.judgements[1].status, Status::kMet);
  EXPECT_EQ(report.judgements[2].status, Status::kMet);
}

TEST(ComparisonOfTheSerializerReport, SaysTheSamePercentages) {
  const Report report;
  const std::string text = comparison_text(report.comparison, {}, {});
  for (const char* change : {"-19.4 %", "-18.7 %", "-100 %"}) EXPECT_THAT(text, HasSubstr(change));
  const auto table_metadata = report.comparison.rows.at(0);
  EXPECT_EQ(table_metadata.finding, Finding::kNone) << "10.71 and 10.73 µs are the same";
}

TEST(ComparisonText, FitsTheWidthAndKeepsTheFinding) {
  const Report report;
  for (const unsigned width : {70u, 80u, 100u}) {
    const std::string text =
        comparison_text(report.comparison, report.judgements, {.colour = false, .width_columns = width});
    EXPECT_THAT(text, HasSubstr("worse")) << width;
    EXPECT_EQ(text.find("<0.001") != std::string::npos, width == 100) << width;
  }
}

std::vector<std::string> notes_of(std::vector<double> base, std::vector<double> fresh) {
  return notes(
      compare(side({series("X", "sec/op", std::move(base))}), side({series("X", "sec/op", std::move(fresh))})).value());
}

TEST(Notes, SayWhatToDoWhenSamplesAreTooFew) {
  const auto all_notes = notes_of({1}, {2});
  EXPECT_THAT(
      all_notes,
      Contains(HasSubstr("need >= 4 samples on each side to detect a difference; run `go test -bench . -count=10`")));
  EXPECT_THAT(all_notes, Contains(HasSubstr("need >= 6 samples for the interval of a median")));
}

TEST(Notes, SayHowManySamplesManyRowsNeed) {
  std::vector<Series> base, fresh;
  for (int i = 0; i < 20; ++i) {
    base.push_back(series("X" + std::to_string(i), "sec/op", around(100, 5)));
    fresh.push_back(series("X" + std::to_string(i), "sec/op", around(200, 5)));
  }
  fresh.front() = base.front();
  const auto all_notes = notes(compare(side(base), side(fresh)).value());
  EXPECT_THAT(all_notes, Contains(HasSubstr("among 20 rows, need >= 6 on each side")));
}

TEST(Notes, ExplainTheSigns) {
  EXPECT_THAT(notes_of(around(1), around(1)),
              Contains(HasSubstr("~ no significant difference (alpha 0.05, Mann-Whitney U)")));
  EXPECT_THAT(notes_of({1, 1, 1, 1}, {1, 1, 1, 1}), Contains("= all samples are equal"));
  EXPECT_THAT(notes_of(around(1), around(1)), Not(Contains(HasSubstr("need >="))));
}

TEST(ComparisonJson, HasEveryRowWithItsStatistics) {
  const Report report;
  const auto json = nlohmann::json::parse(comparison_json(report.comparison, report.judgements));
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["rows"].size(), 12u);
  const auto& row = json["rows"][3];
  EXPECT_EQ(row["name"], "Concurrent-12");
  EXPECT_EQ(row["base"]["samples"], 10);
  EXPECT_NEAR(row["ratio"]["value"].get<double>(), 0.003, 0.0001);
  EXPECT_LT(row["ratio"]["low"], row["ratio"]["high"]);
  EXPECT_EQ(row["finding"], "better");
  EXPECT_EQ(json["only_in_base"][0], "Removed-12 sec/op");
  EXPECT_EQ(json["criteria"][0]["status"], "partial");
  EXPECT_EQ(json["criteria"][3]["status"], "missed");
  EXPECT_TRUE(json["criteria"][3]["rows"].empty());
}

TEST(ComparisonText, ShowsNoControlCharactersOfForeignNames) {
  const auto run = side({series("X\x1b[31m", "sec/op", {1})});
  EXPECT_THAT(comparison_text(compare(run, run).value(), {}, {}), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace poolscope::compare
