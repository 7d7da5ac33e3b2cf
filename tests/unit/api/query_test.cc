#include "agent/api/query.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolscope::api {
namespace {

constexpr NumberRange kLimit{1, 100, 50};

struct GoodCase {
  const char* name;
  const char* query;
  std::uint64_t number;
};
class GoodQuery : public ::testing::TestWithParam<GoodCase> {};
TEST_P(GoodQuery, GivesTheNumber) {
  const auto number = query_number(GetParam().query, "limit", kLimit);
  ASSERT_TRUE(number) << number.error();
  EXPECT_EQ(*number, GetParam().number);
}
INSTANTIATE_TEST_SUITE_P(Table, GoodQuery,
                         ::testing::Values(GoodCase{"Absent", "", 50}, GoodCase{"OnlyOthers", "after=3&limits=9", 50},
                                           GoodCase{"Alone", "limit=7", 7}, GoodCase{"Lowest", "limit=1", 1},
                                           GoodCase{"Highest", "limit=100", 100},
                                           GoodCase{"Last", "after=3&limit=8", 8},
                                           GoodCase{"EmptyParts", "&&limit=8&", 8}),
                         [](const auto& c) { return c.param.name; });

class BadQuery : public ::testing::TestWithParam<const char*> {};
TEST_P(BadQuery, NamesTheParameterAndTheRange) {
  const auto number = query_number(GetParam(), "limit", kLimit);
  ASSERT_FALSE(number);
  EXPECT_THAT(number.error(), ::testing::HasSubstr("parameter limit"));
}
INSTANTIATE_TEST_SUITE_P(Table, BadQuery,
                         ::testing::Values("limit", "limit=", "limit=0", "limit=101", "limit=-1", "limit=+1",
                                           "limit=1.5", "limit=1x", "limit= 1", "limit=99999999999999999999999",
                                           "limit=%31", "limit=1&limit=1"));

TEST(QueryNumber, ReachesTheLargestNumber) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  const auto number = query_number("after=18446744073709551615", "after", {0, kMax, 0});
  ASSERT_TRUE(number);
  EXPECT_EQ(*number, kMax);
}

}  // namespace
}  // namespace poolscope::api
