#include "agent/advice/most_saved.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/advice/cases.h"

namespace poolscope::advice {
namespace {

using model::Advice;

model::TargetSnapshot service_that_spends(double at_most) {
  model::TargetSnapshot target = testing::service();
  target.cpu_share = model::CpuShare{};
  target.cpu_share->total = {at_most / 2, at_most / 4, at_most};
  return target;
}

std::vector<Advice> advised_to(model::TargetSnapshot target) {
  target.call_sites = {testing::short_lived_blocks()};
  return advise(target, testing::prices());
}

Advice the_advice(const std::vector<Advice>& all) {
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? Advice{} : all.front();
}

TEST(MostSaved, NoAdvicePromisesMoreThanIsSpentOnMemory) {
  const Advice free = the_advice(advised_to(testing::service()));
  ASSERT_TRUE(free.saved_cpu_ratio && free.saved_cpu_ratio->high);
  const double most = free.saved_cpu_ratio->value * 0.8;
  const Advice bound = the_advice(advised_to(service_that_spends(most)));
  EXPECT_DOUBLE_EQ(bound.saved_cpu_ratio->value, most);
  EXPECT_DOUBLE_EQ(*bound.saved_cpu_ratio->high, most);
  EXPECT_LE(*bound.saved_cpu_ratio->low, most);
  EXPECT_TRUE(bound.why.ends_with("it cannot save more.")) << bound.why;
  EXPECT_EQ(bound.evidence.back().field, "cpu_share.total.high");
}

TEST(MostSaved, SaysTheLowerSavingWhereItSaidTheHigherOne) {
  const Advice free = the_advice(advised_to(testing::service()));
  const Advice bound = the_advice(advised_to(service_that_spends(free.saved_cpu_ratio->value * 0.8)));
  for (const auto& evidence : bound.evidence) {
    EXPECT_LE(evidence.field.starts_with("advice.expected.saved_cpu_ratio") ? evidence.value : 0,
              bound.saved_cpu_ratio->value);
    EXPECT_NE(bound.why.find(evidence.text), std::string::npos) << evidence.text;
  }
}

TEST(MostSaved, WhatIsSpentSufficesForLeavesTheAdviceAsItIs) {
  EXPECT_EQ(advised_to(service_that_spends(1)), advised_to(testing::service()));
}

TEST(MostSaved, AdviceThatIsNotWorthItThenIsNotGiven) {
  EXPECT_TRUE(advised_to(service_that_spends(0.001)).empty());
}

TEST(MostSaved, WhatSavesSomethingElseIsNotBound) {
  model::TargetSnapshot free = testing::service(), bound = service_that_spends(0.001);
  free.pools = bound.pools = {testing::good(), testing::useless(), testing::misused()};
  EXPECT_EQ(advise(bound, testing::prices()), advise(free, testing::prices()));
}

}  // namespace
}  // namespace poolscope::advice
