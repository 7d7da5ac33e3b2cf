#include "agent/estimate/evidence.h"

#include <gtest/gtest.h>

#include "tests/unit/estimate/make_records.h"

namespace poolscope::estimate::testing {
namespace {

std::vector<model::BurstEvidence> after(unsigned bursts, unsigned seconds_apart = 3) {
  std::vector<model::BurstRecord> records;
  for (unsigned i = 0; i < bursts; ++i) records.push_back(rate_burst(i * seconds_apart, 10));
  return gather_evidence({records, {}});
}

TEST(Evidence, IsNothingWithoutABurst) {
  EXPECT_TRUE(after(0).empty());
}

TEST(Evidence, OfOneBurstTellsHowManyMoreButNotHowLongTheyTake) {
  const auto evidence = after(1);
  ASSERT_EQ(evidence.size(), 1u);
  EXPECT_EQ(evidence[0].collector, "alloc_bursts");
  EXPECT_EQ(evidence[0].needed_bursts, kBurstsForInterval);
  EXPECT_FALSE(evidence[0].needed_seconds);
}

TEST(Evidence, SaysHowLongIntervalsStillTakeAtTheLastPace) {
  const auto evidence = after(kBurstsForInterval - 2);
  EXPECT_EQ(evidence[0].needed_for, "intervals");
  EXPECT_DOUBLE_EQ(evidence[0].needed_seconds.value(), 6);
}

TEST(Evidence, AsksForAdviceNextAndThenForNothing) {
  EXPECT_EQ(after(kBurstsForInterval)[0].needed_for, "advice");
  EXPECT_DOUBLE_EQ(after(kBurstsForAdvice - 10)[0].needed_seconds.value(), 30);
  EXPECT_FALSE(after(kBurstsForAdvice)[0].needed_bursts);
  EXPECT_EQ(after(kBurstsForAdvice)[0].bursts, kBurstsForAdvice);
}

TEST(Evidence, CountsRatesAndCohortsApart) {
  const std::vector<model::BurstRecord> records{rate_burst(0, 1), cohort(1, {1}, {}, 10), rate_burst(2, 1)};
  const auto evidence = gather_evidence({records, {}});
  ASSERT_EQ(evidence.size(), 2u);
  EXPECT_EQ(evidence[0].bursts, 2u);
  EXPECT_EQ(evidence[1].collector, "alloc_cohorts");
  EXPECT_EQ(evidence[1].bursts, 1u);
}

TEST(Evidence, IsNothingWhereEveryEventWasTraced) {
  std::vector<model::BurstRecord> records{rate_burst(0, 1)};
  records[0].kind = model::BurstKind::kExact;
  EXPECT_TRUE(gather_evidence({records, {}}).empty());
}

}  // namespace
}  // namespace poolscope::estimate::testing
