#include "agent/compare/criteria.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compare/make_series.h"

namespace poolscope::compare {
namespace {

using testing::around;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::series;
using testing::side;

std::vector<Criterion> parse(const std::string& yaml) {
  auto criteria = parse_criteria(yaml, "goals.yaml");
  EXPECT_TRUE(criteria) << config::describe(criteria.error().at(0));
  return criteria ? std::move(criteria).value() : std::vector<Criterion>{};
}

Judgement judged(std::vector<double> base, std::vector<double> fresh, const std::string& metric,
                 const std::string& criterion) {
  const auto comparison = compare(side({series("Encode/size=1", metric, std::move(base))}),
                                  side({series("Encode/size=1", metric, std::move(fresh))}));
  EXPECT_TRUE(comparison);
  return judge(*comparison, parse("criteria:\n  - " + criterion + "\n")).at(0);
}

TEST(Criteria, AreReadWithAllTheirKeys) {
  const auto criteria = parse(
      "criteria:\n"
      "  - name: fewer bytes\n    benchmark: 'Encode/*'\n    metric: B/op\n    target_ratio: 0.7\n"
      "  - metric: hit_ratio\n    target: 0.8\n    better: higher\n");
  ASSERT_EQ(criteria.size(), 2u);
  EXPECT_EQ(criteria[0].name, "fewer bytes");
  EXPECT_EQ(criteria[0].benchmark, "Encode/*");
  EXPECT_EQ(criteria[0].target_ratio, 0.7);
  EXPECT_EQ(criteria[1].benchmark, "*");
  EXPECT_EQ(criteria[1].target, 0.8);
  EXPECT_EQ(criteria[1].better, Direction::kHigher);
}

struct Wrong {
  const char* name;
  const char* yaml;
  const char* error;  // a part of all of them
};
class WrongCriteria : public ::testing::TestWithParam<Wrong> {};
TEST_P(WrongCriteria, AreErrorsWithLineAndWayOut) {
  const auto criteria = parse_criteria(GetParam().yaml, "goals.yaml");
  ASSERT_FALSE(criteria);
  std::string all;
  for (const auto& error : criteria.error()) all += config::describe(error) + "\n";
  EXPECT_THAT(all, HasSubstr(GetParam().error));
}
INSTANTIATE_TEST_SUITE_P(
    Table, WrongCriteria,
    ::testing::Values(
        Wrong{"Empty", "", "the file must be a map with the key `criteria`"},
        Wrong{"Syntax", "criteria: [", "goals.yaml:1"}, Wrong{"NoList", "criteria:\n", "must be a list"},
        Wrong{"UnknownRootKey", "criteria: [{metric: a, target: 1}]\nmore: 1\n", "goals.yaml:2:1: more: unknown key"},
        Wrong{"UnknownKey", "criteria:\n  - metrik: a\n    target: 1\n",
              "goals.yaml:2:5: criteria[0].metrik: unknown key; did you mean `metric`?"},
        Wrong{"NoMetric", "criteria: [{target: 1}]", "needs `metric`"},
        Wrong{"NoTarget", "criteria: [{metric: a}]", "needs either `target_ratio`"},
        Wrong{"BothTargets", "criteria: [{metric: a, target: 1, target_ratio: 1}]", "needs either `target_ratio`"},
        Wrong{"NegativeRatio", "criteria: [{metric: a, target_ratio: -1}]", "must be from 0 to"},
        Wrong{"NoNumber", "criteria: [{metric: a, target: much}]", "must be a number"},
        Wrong{"Direction", "criteria: [{metric: a, target: 1, better: up}]", "must be lower or higher"},
        Wrong{"NoMap", "criteria: [a]", "must be a map"}),
    [](const auto& info) { return std::string(info.param.name); });

struct Judged {
  const char* name;
  std::vector<double> base, fresh;
  const char* metric;
  const char* criterion;
  Status status;
};
class Judging : public ::testing::TestWithParam<Judged> {};
TEST_P(Judging, GivesMetPartialOrMissed) {
  const Judgement judgement = judged(GetParam().base, GetParam().fresh, GetParam().metric, GetParam().criterion);
  EXPECT_STREQ(status_name(judgement.status), status_name(GetParam().status)) << judgement.rows.at(0).why;
}
// Samples lie within 1 % of the middle, so intervals of ratios within 2 %.
INSTANTIATE_TEST_SUITE_P(
    Table, Judging,
    ::testing::Values(
        Judged{"ReachedWithRoom", around(100), around(60), "B/op", "{metric: B/op, target_ratio: 0.7}", Status::kMet},
        Judged{"ReachedByTheMedianAlone", around(100), around(69.9), "B/op", "{metric: B/op, target_ratio: 0.7}",
               Status::kPartial},
        Judged{"BetterButShortOfIt", around(100), around(80), "B/op", "{metric: B/op, target_ratio: 0.7}",
               Status::kPartial},
        Judged{"NotBetter", around(100), around(100), "B/op", "{metric: B/op, target_ratio: 0.7}", Status::kMissed},
        Judged{"Worse", around(100), around(120), "B/op", "{metric: B/op, target_ratio: 0.7}", Status::kMissed},
        Judged{"NoRegression", around(100), around(100), "sec/op", "{metric: sec/op, target_ratio: 1.05}",
               Status::kMet},
        Judged{"Regression", around(100), around(110), "sec/op", "{metric: sec/op, target_ratio: 1.05}",
               Status::kMissed},
        Judged{"AllGone", std::vector<double>(5, 4096), std::vector<double>(5, 0), "B/op",
               "{metric: B/op, target_ratio: 0}", Status::kMet},
        Judged{"EqualCounts", std::vector<double>(5, 3), std::vector<double>(5, 3), "allocs/op",
               "{metric: allocs/op, target_ratio: 1}", Status::kMet},
        Judged{"HigherIsBetter", around(100), around(150), "B/s", "{metric: B/s, target_ratio: 1.4}", Status::kMet},
        Judged{"HigherShortOfIt", around(100), around(130), "B/s", "{metric: B/s, target_ratio: 1.4}",
               Status::kPartial},
        Judged{"AbsoluteReached", around(0.5), around(0.9), "hit_ratio", "{metric: hit_ratio, target: 0.8}",
               Status::kMet},
        Judged{"AbsoluteShortOfIt", around(0.5), around(0.7), "hit_ratio", "{metric: hit_ratio, target: 0.8}",
               Status::kPartial},
        Judged{"AbsoluteLower", around(100), around(60), "B/op", "{metric: B/op, target: 64}", Status::kMet},
        Judged{"OtherDirection", around(100), around(60), "widgets",
               "{metric: widgets, target_ratio: 0.7, better: lower}", Status::kMet},
        Judged{"UnknownDirection", around(100), around(60), "widgets", "{metric: widgets, target_ratio: 0.7}",
               Status::kMissed},
        Judged{"TooFewSamples",
               {100, 101, 102},
               {50, 51, 52},
               "B/op",
               "{metric: B/op, target_ratio: 0.7}",
               Status::kMissed},
        Judged{"FromZero", std::vector<double>(5, 0), std::vector<double>(5, 1), "B/op",
               "{metric: B/op, target_ratio: 2}", Status::kMissed}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Judging, SaysWhyThereIsNoInterval) {
  const auto few = judged({100, 101, 102}, {50, 51, 52}, "B/op", "{metric: B/op, target_ratio: 0.7}");
  EXPECT_EQ(few.rows.at(0).why, "too few samples for an interval");
  const auto zero =
      judged(std::vector<double>(5, 0), std::vector<double>(5, 1), "B/op", "{metric: B/op, target_ratio: 2}");
  EXPECT_THAT(zero.rows.at(0).why, HasSubstr("BASE is 0"));
}

TEST(Judging, IsAsGoodAsTheWorstRow) {
  const auto comparison = compare(side({series("A/b", "sec/op", around(100)), series("A/c", "sec/op", around(100)),
                                        series("D", "sec/op", around(100))}),
                                  side({series("A/b", "sec/op", around(50)), series("A/c", "sec/op", around(80)),
                                        series("D", "sec/op", around(100))}));
  const auto judgements = judge(*comparison, parse("criteria: [{metric: sec/op, benchmark: 'A*', target_ratio: 0.6}]"));
  EXPECT_EQ(judgements.at(0).status, Status::kPartial);
  ASSERT_EQ(judgements[0].rows.size(), 2u);
  EXPECT_EQ(judgements[0].rows[0].status, Status::kMet);
}

TEST(Judging, MissesWhatNoRowMatches) {
  const auto judgement = [](const char* criterion) { return judged(around(100), around(50), "sec/op", criterion); };
  EXPECT_EQ(judgement("{metric: B/op, target_ratio: 1}").status, Status::kMissed);
  EXPECT_EQ(judgement("{metric: sec/op, benchmark: Decode, target_ratio: 1}").status, Status::kMissed);
  EXPECT_TRUE(judgement("{metric: sec/op, benchmark: Decode, target_ratio: 1}").rows.empty());
}

}  // namespace
}  // namespace poolscope::compare
