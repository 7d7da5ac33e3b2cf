#include "agent/api/compression.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/api/gunzip.h"

namespace poolscope::api {
namespace {

using testing::gunzip;

struct AcceptCase {
  const char* name;
  const char* header;
  bool accepts;
};
class AcceptEncoding : public ::testing::TestWithParam<AcceptCase> {};
TEST_P(AcceptEncoding, DecidesAboutGzip) {
  EXPECT_EQ(accepts_gzip(GetParam().header), GetParam().accepts);
}
INSTANTIATE_TEST_SUITE_P(
    Table, AcceptEncoding,
    ::testing::Values(AcceptCase{"Absent", "", false}, AcceptCase{"Plain", "gzip", true},
                      AcceptCase{"Upper", "GZIP", true}, AcceptCase{"InAList", "deflate, gzip;q=1.0, br", true},
                      AcceptCase{"Refused", "gzip;q=0", false}, AcceptCase{"RefusedWithDigits", "gzip; q=0.000", false},
                      AcceptCase{"Small", "gzip;q=0.001", true}, AcceptCase{"Wildcard", "*", true},
                      AcceptCase{"WildcardRefused", "*;q=0", false},
                      AcceptCase{"RefusedBesideWildcard", "*, gzip;q=0", false},
                      AcceptCase{"Other", "x-gzip2, br", false}, AcceptCase{"Identity", "identity", false},
                      AcceptCase{"OnlyCommas", ",,,", false}),
    [](const auto& c) { return c.param.name; });

TEST(Gzip, GivesBackAnEmptyText) {
  EXPECT_EQ(gunzip(gzip("")), "");
}

TEST(Gzip, GivesBackWhatWentInAndIsSmallerWhereItCanBe) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "poolscope_pool_hits_total{pool=\"p" + std::to_string(i) + "\"} 1\n";
  const std::string packed = gzip(text);
  EXPECT_EQ(gunzip(packed), text);
  EXPECT_LT(packed.size(), text.size() / 4);
}

TEST(Gzip, GivesBackWhatCannotBeCompressed) {
  std::mt19937 random(1);
  std::string text(100000, '\0');
  for (char& c : text) c = static_cast<char>(random());
  EXPECT_EQ(gunzip(gzip(text)), text);
}

}  // namespace
}  // namespace poolscope::api
