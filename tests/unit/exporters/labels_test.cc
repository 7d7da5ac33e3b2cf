#include "exporters/prometheus/labels.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "exporters/prometheus/metrics.h"
#include "tests/unit/exporters/sample_snapshot.h"

namespace {

using poolscope::prometheus_text::is_reserved_label_name;
using poolscope::prometheus_text::is_valid_label_name;
using poolscope::prometheus_text::metric_families;
using poolscope::prometheus_text::reserved_label_names;

struct NameCase {
  const char* name;
  std::string_view label;
  bool valid;
};
class LabelName : public testing::TestWithParam<NameCase> {};
TEST_P(LabelName, IsValidOrNot) {
  EXPECT_EQ(is_valid_label_name(GetParam().label), GetParam().valid);
}
INSTANTIATE_TEST_SUITE_P(Table, LabelName,
                         testing::Values(NameCase{"Plain", "env", true}, NameCase{"Digit", "tier2", true},
                                         NameCase{"Underscore", "_env", true}, NameCase{"Capitals", "Env", true},
                                         NameCase{"Empty", "", false}, NameCase{"LeadingDigit", "2tier", false},
                                         NameCase{"Dash", "data-center", false}, NameCase{"Blank", "a b", false},
                                         NameCase{"Umlaut", "gr\u00f6\u00dfe", false},
                                         NameCase{"OfPrometheus", "__name__", false}),
                         [](const auto& c) { return c.param.name; });

TEST(ReservedLabelNames, HoldEveryLabelOfOurOwnMetrics) {
  poolscope::model::Snapshot snapshot = poolscope::test::full_snapshot();
  for (auto& target : snapshot.targets) target.labels.clear();
  std::set<std::string> used;
  for (const auto& family : metric_families(snapshot, {})) {
    for (const auto& metric : family.metric) {
      for (const auto& label : metric.label) used.insert(label.name);
    }
  }
  ASSERT_GE(used.size(), 8u);
  for (const std::string& name : used) EXPECT_TRUE(is_reserved_label_name(name)) << name;
}

TEST(ReservedLabelNames, AreValidNamesAndLeaveOthersAlone) {
  EXPECT_TRUE(std::ranges::all_of(reserved_label_names(), is_valid_label_name));
  EXPECT_FALSE(is_reserved_label_name("env"));
}

}  // namespace
