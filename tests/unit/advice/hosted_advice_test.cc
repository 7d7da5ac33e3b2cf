#include "agent/advice/hosted_advice.h"

#include <gtest/gtest.h>

#include "agent/advice/advise.h"
#include "tests/unit/advice/cases.h"

namespace poolscope::advice {
namespace {

// Of 64 KiB each.
model::PoolSummary hosted(std::uint64_t limit, double hit_ratio, std::uint64_t most_out) {
  model::PoolSummary pool;
  pool.name = "frames";
  pool.kind = "hosted";
  pool.gets_per_second = model::Estimate{1000, 1000, 1000};
  pool.hit_ratio = model::Estimate{hit_ratio, hit_ratio, hit_ratio};
  pool.counted.gets = 100'000;
  pool.counted.puts = static_cast<std::uint64_t>(100'000 * hit_ratio);
  pool.published.emplace();
  pool.published->buffer_bytes = 65536;
  pool.published->max_borrowed_buffers = pool.published->max_idle_buffers = limit;
  const auto out = static_cast<double>(most_out);
  pool.published->borrowed_high_water = model::Estimate{out, out, out};
  return pool;
}

// The target is the host, which does next to nothing itself.
model::TargetSnapshot host_with(const model::PoolSummary& pool) {
  model::TargetSnapshot target = testing::service();
  target.name = "host";
  target.cpu_seconds_per_second = 0.001;
  target.pools = {pool};
  return target;
}

model::Advice only_advice(const model::PoolSummary& pool, AdviceState* state = nullptr) {
  const auto all = advise(host_with(pool), testing::prices(), {}, state);
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? model::Advice{} : all.front();
}

struct LimitCase {
  const char* name;
  std::uint64_t limit;
  double hit_ratio;
  std::uint64_t most_out;
  std::uint64_t recommended;  // 0: keep
};
class HostedLimit : public ::testing::TestWithParam<LimitCase> {};

TEST_P(HostedLimit, FollowsFailedGetsAndWhatWasOut) {
  const LimitCase& given = GetParam();
  const auto advice = only_advice(hosted(given.limit, given.hit_ratio, given.most_out));
  if (given.recommended == 0) {
    EXPECT_EQ(advice.verdict, model::Verdict::kKeep) << advice.why;
    return;
  }
  EXPECT_EQ(advice.verdict, model::Verdict::kChange) << advice.why;
  EXPECT_EQ(advice.kind, "max_borrowed_buffers");
  EXPECT_EQ(advice.unit, "buffers");
  EXPECT_EQ(advice.current, given.limit);
  EXPECT_EQ(advice.recommended, given.recommended);
  EXPECT_FALSE(advice.saved_cpu_ratio) << "the CPU time of the host is not that of the services";
}
INSTANTIATE_TEST_SUITE_P(
    Table, HostedLimit,
    ::testing::Values(LimitCase{"FailingGets", 16, 0.9, 16, 24}, LimitCase{"FailingGetsOfOne", 1, 0.5, 1, 2},
                      LimitCase{"FewFail", 16, 0.995, 16, 0}, LimitCase{"AllUsed", 256, 1, 256, 0},
                      LimitCase{"FarTooMany", 256, 1, 20, 192}, LimitCase{"DownToWhatIsToSpare", 256, 1, 160, 200},
                      LimitCase{"TooNear", 256, 1, 170, 0}, LimitCase{"NobodyUsesIt", 256, 1, 0, 192},
                      LimitCase{"TooLittleMemoryToMatter", 16, 1, 1, 0},
                      LimitCase{"SomeFailedThoughFewAreOut", 256, 0.999, 20, 0}),
    [](const auto& info) { return info.param.name; });

TEST(HostedLimits, TellWhatTheyTakeAndGiveBack) {
  EXPECT_DOUBLE_EQ(only_advice(hosted(16, 0.9, 16)).saved_bytes.value_or(0), -8.0 * 65536);
  EXPECT_DOUBLE_EQ(only_advice(hosted(256, 1, 20)).saved_bytes.value_or(0), 64.0 * 65536);
}

TEST(HostedLimits, WaitForEnoughGets) {
  auto pool = hosted(16, 0.5, 16);
  pool.counted.gets = kSureGets - 1;
  EXPECT_EQ(only_advice(pool).verdict, model::Verdict::kWait);
}

TEST(HostedLimits, OfAClosedPoolAreNotKnown) {
  auto pool = hosted(16, 0, 0);
  pool.published->max_borrowed_buffers.reset();
  const auto advice = only_advice(pool);
  EXPECT_EQ(advice.verdict, model::Verdict::kWait);
  EXPECT_NE(advice.why.find("closed"), std::string::npos);
}

TEST(HostedLimits, AreNoMisuseWhenGetsFail) {
  EXPECT_NE(only_advice(hosted(16, 0.5, 16)).kind, "misuse") << "a get that fails has no put";
}

TEST(HostedLimits, AreToldOnceTheyWereRightForAWhile) {
  AdviceState state;
  for (unsigned epoch = 0; epoch < AdviceState::kChoiceEpochs; ++epoch) {
    state.begin(20);
    EXPECT_EQ(only_advice(hosted(256, 1, 256), &state).verdict, model::Verdict::kKeep);
  }
  state.begin(20);
  EXPECT_EQ(only_advice(hosted(256, 1, 20), &state).verdict, model::Verdict::kKeep);
  for (unsigned epoch = 1; epoch < AdviceState::kChoiceEpochs; ++epoch) {
    state.begin(20);
    (void)only_advice(hosted(256, 1, 20), &state);
  }
  EXPECT_EQ(only_advice(hosted(256, 1, 20), &state).verdict, model::Verdict::kChange);
}

TEST(HostedLimits, AreNotToldAnyMoreWhenTheyAreWrongByNow) {
  AdviceState state;
  for (unsigned epoch = 0; epoch <= AdviceState::kChoiceEpochs; ++epoch) {
    state.begin(20);
    (void)only_advice(hosted(16, 0.9, 16), &state);
  }
  EXPECT_EQ(only_advice(hosted(16, 0.9, 16), &state).verdict, model::Verdict::kChange);
  EXPECT_EQ(only_advice(hosted(24, 1, 20), &state).verdict, model::Verdict::kKeep) << "it was resized";
}

// --- what if

WhatIf ask(const model::PoolSummary& pool, const char* limits) {
  return what_if(host_with(pool), pool, testing::prices(), *parse_limits(limits));
}

TEST(HostedWhatIf, MoreBuffersFailNoMoreThanNow) {
  const WhatIf answer = ask(hosted(16, 0.9, 16), "max_borrowed_buffers=24");
  EXPECT_DOUBLE_EQ(answer.hit_ratio_low.value_or(0), 0.9);
  EXPECT_DOUBLE_EQ(answer.hit_ratio_high.value_or(0), 1);
  EXPECT_DOUBLE_EQ(answer.idle_bytes.value_or(0), 24.0 * 65536);
  EXPECT_EQ(answer.missing, "");
  EXPECT_FALSE(answer.saved_cpu_ratio);
}

TEST(HostedWhatIf, AsManyAsWereOutFailNone) {
  const WhatIf answer = ask(hosted(64, 1, 20), "max_borrowed_buffers=20");
  EXPECT_DOUBLE_EQ(answer.hit_ratio_low.value_or(0), 1);
  EXPECT_EQ(answer.missing, "");
}

TEST(HostedWhatIf, FewerThanWereOutIsNotKnown) {
  const WhatIf answer = ask(hosted(64, 1, 20), "max_borrowed_buffers=19");
  EXPECT_DOUBLE_EQ(answer.hit_ratio_low.value_or(1), 0);
  EXPECT_NE(answer.missing.find("how often"), std::string::npos);
}

TEST(HostedWhatIf, OfAnotherLimitNamesTheOneItHas) {
  EXPECT_NE(ask(hosted(64, 1, 20), "max_idle_buffers=19").missing.find("max_borrowed_buffers"), std::string::npos);
}

TEST(HostedWhatIf, IsForHostedPoolsAlone) {
  EXPECT_NE(ask(testing::good(), "max_borrowed_buffers=19").missing.find("hosted"), std::string::npos);
}

}  // namespace
}  // namespace poolscope::advice
