#include "agent/advice/what_if.h"

#include <gtest/gtest.h>

#include "tests/unit/advice/cases.h"

namespace poolscope::advice {
namespace {

WhatIf ask(const model::PoolSummary& pool, const char* limits) {
  return what_if(testing::service(), pool, testing::prices(), *parse_limits(limits));
}

TEST(ParseLimits, ReadsNumbersWithUnits) {
  const auto limits = parse_limits("buffer_bytes=64K,max_idle_buffers=48");
  ASSERT_TRUE(limits);
  EXPECT_EQ(limits->buffer_bytes, 65536u);
  EXPECT_EQ(limits->max_idle_buffers, 48u);
}

class BadLimits : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(BadLimits, AreNamed) {
  const auto limits = parse_limits(GetParam().first);
  ASSERT_FALSE(limits);
  EXPECT_NE(limits.error().find(GetParam().second), std::string::npos) << limits.error();
}

INSTANTIATE_TEST_SUITE_P(Table, BadLimits,
                         ::testing::Values(std::pair{"", "no limit is given"},
                                           std::pair{"size=4", "`size` is no limit"},
                                           std::pair{"buffer_bytes", "`buffer_bytes`"},
                                           std::pair{"buffer_bytes=", "`buffer_bytes=`"},
                                           std::pair{"buffer_bytes=0", "above 0"}, std::pair{"buffer_bytes=4Q", "4Q"},
                                           std::pair{"buffer_bytes=4KB", "4KB"}, std::pair{"buffer_bytes=-4", "-4"},
                                           std::pair{"buffer_bytes=99999999999999999999", "buffer_bytes"},
                                           std::pair{"buffer_bytes=9999999999G", "buffer_bytes"}));

TEST(WhatIf, TellsWhatALargerCapacitySaves) {
  const WhatIf answer = ask(testing::too_small_buffers(), "buffer_bytes=12K");
  EXPECT_EQ(answer.growing_ratio, 0);
  ASSERT_TRUE(answer.saved_cpu_ratio);
  EXPECT_GT(answer.saved_cpu_ratio->value, 0);
  EXPECT_EQ(answer.missing, "");
}

TEST(WhatIf, TellsTheHitRatioOfAnotherLimit) {
  const WhatIf enough = ask(testing::too_few_idle_buffers(), "max_idle_buffers=40");
  EXPECT_NEAR(enough.hit_ratio_low.value_or(0), 1, 1e-9);
  const WhatIf between = ask(testing::too_few_idle_buffers(), "max_idle_buffers=20");
  EXPECT_NEAR(between.hit_ratio_low.value_or(0), 0.35, 1e-9);
  EXPECT_NEAR(between.hit_ratio_high.value_or(0), 1, 1e-9);
}

TEST(WhatIf, SaysWhatIsNotKnown) {
  const WhatIf answer = ask(testing::useless(), "buffer_bytes=4K,max_idle_buffers=4");
  EXPECT_NE(answer.missing.find("needed"), std::string::npos);
  EXPECT_NE(answer.missing.find("in order"), std::string::npos);
  EXPECT_FALSE(answer.saved_cpu_ratio);
}

}  // namespace
}  // namespace poolscope::advice
