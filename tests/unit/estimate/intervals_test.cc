#include "agent/estimate/intervals.h"

#include <cmath>

#include <gtest/gtest.h>

namespace poolscope::estimate {
namespace {

struct TCase {
  unsigned degrees_of_freedom;
  double table;
};
class StudentT : public testing::TestWithParam<TCase> {};
TEST_P(StudentT, AgreesWithTheTables) {
  const auto [degrees_of_freedom, table] = GetParam();
  EXPECT_NEAR(student_t_975(degrees_of_freedom), table, degrees_of_freedom >= 11 ? 0.0005 : 0.01 * table);
}
INSTANTIATE_TEST_SUITE_P(Table, StudentT,
                         testing::Values(TCase{3, 3.182446}, TCase{5, 2.570582}, TCase{11, 2.200985},
                                         TCase{23, 2.068658}, TCase{60, 2.000298}, TCase{1'000'000, 1.959966}));

TEST(BootstrapTail, IsFurtherOutTheFewerUnitsThereAre) {
  EXPECT_EQ(bootstrap_tail(4000, 1'000'000), 99u) << "2.5 %";
  EXPECT_EQ(bootstrap_tail(4000, 12), 43u) << "the normal share beyond 2.201 sqrt(12 / 11)";
  EXPECT_EQ(bootstrap_tail(4000, 1), 0u);
}

TEST(RelativeWidth, IsInfiniteWithoutIntervalOrValue) {
  EXPECT_DOUBLE_EQ(relative_width(model::Estimate{2, 1, 4}), 1.5);
  EXPECT_TRUE(std::isinf(relative_width(model::Estimate{0, 0, 4})));
  EXPECT_TRUE(std::isinf(relative_width(model::Estimate{2, {}, {}})));
  EXPECT_TRUE(std::isinf(relative_width(std::nullopt)));
}

TEST(Wilson, IsTheTextbookIntervalForFiveOfTen) {
  const Limits limits = wilson(0.5, 10);
  EXPECT_NEAR(limits.low, 0.2366, 0.0001);
  EXPECT_NEAR(limits.high, 0.7634, 0.0001);
}

TEST(Wilson, DoesNotClaimCertaintyWhenAllDied) {
  const Limits limits = wilson(1, 20);
  EXPECT_NEAR(limits.low, 0.8389, 0.0001);
  EXPECT_DOUBLE_EQ(limits.high, 1);
}

TEST(Wilson, KnowsNothingWithoutObjects) {
  const Limits limits = wilson(0, 0);
  EXPECT_EQ(limits.low, 0);
  EXPECT_EQ(limits.high, 1);
}

}  // namespace
}  // namespace poolscope::estimate
