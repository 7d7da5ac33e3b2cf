#include "agent/advice/advised_limits.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poolscope::advice {
namespace {

using ::testing::HasSubstr;
using What = AdvisedLimit::What;

model::PoolSummary pool_of(const char* name, const char* kind) {
  model::PoolSummary pool;
  pool.name = name;
  pool.kind = kind;
  pool.published.emplace();
  pool.published->buffer_bytes = 1024;
  pool.published->max_idle_buffers = 4;
  pool.published->max_borrowed_buffers = 16;
  return pool;
}

model::Advice advice_of(const char* pool, const char* kind, model::Verdict verdict,
                        std::optional<std::uint64_t> current = {}, std::optional<std::uint64_t> recommended = {}) {
  model::Advice advice;
  advice.subject = pool;
  advice.kind = kind;
  advice.verdict = verdict;
  advice.current = current;
  advice.recommended = recommended;
  advice.why = "because.";
  return advice;
}

model::Snapshot snapshot_of(std::vector<model::PoolSummary> pools, std::vector<model::Advice> advice) {
  model::Snapshot snapshot;
  model::TargetSnapshot target;
  target.name = "shop";
  target.pools = std::move(pools);
  target.advice = std::move(advice);
  snapshot.targets = {std::move(target)};
  return snapshot;
}

struct LimitOfPool {
  const char* name;
  const char* pool_kind;
  std::vector<model::Advice> advice;
  What what;
  const char* limit;  // kChange
  std::uint64_t from, to;
  const char* why;  // a part of it
};
class AdvisedLimitOfAPool : public ::testing::TestWithParam<LimitOfPool> {};

TEST_P(AdvisedLimitOfAPool, IsWhatAdviceSaysOrWhyNot) {
  const LimitOfPool& given = GetParam();
  const auto snapshot = snapshot_of({pool_of("frames", given.pool_kind)}, given.advice);
  const std::vector<std::string> names = {"frames"};
  const auto limits = advised_limits(snapshot, names);
  ASSERT_TRUE(limits);
  ASSERT_EQ(limits->size(), 1u);
  const AdvisedLimit& limit = limits->front();
  EXPECT_EQ(limit.what, given.what) << limit.why;
  EXPECT_EQ(limit.limit, given.limit);
  EXPECT_EQ(limit.from, given.from);
  EXPECT_EQ(limit.to, given.to);
  EXPECT_THAT(limit.why, HasSubstr(given.why));
  EXPECT_EQ(limit.target->name, "shop");
}

INSTANTIATE_TEST_SUITE_P(
    Table, AdvisedLimitOfAPool,
    ::testing::Values(LimitOfPool{"Hosted",
                                  "hosted",
                                  {advice_of("frames", "max_borrowed_buffers", model::Verdict::kChange, 16, 24)},
                                  What::kChange,
                                  "max_borrowed_buffers",
                                  16,
                                  24,
                                  "because."},
                      LimitOfPool{"OfAService",
                                  "poolscope",
                                  {advice_of("frames", "max_idle_buffers", model::Verdict::kChange, 4, 24)},
                                  What::kChange,
                                  "max_idle_buffers",
                                  4,
                                  24,
                                  "because."},
                      LimitOfPool{"Keep",
                                  "poolscope",
                                  {advice_of("frames", "keep", model::Verdict::kKeep)},
                                  What::kKeep,
                                  "",
                                  0,
                                  0,
                                  "because."},
                      LimitOfPool{"NotSureEnough",
                                  "poolscope",
                                  {advice_of("frames", "keep", model::Verdict::kWait)},
                                  What::kRefuse,
                                  "",
                                  0,
                                  0,
                                  "not sure enough: because."},
                      LimitOfPool{"NoAdvice", "poolscope", {}, What::kRefuse, "", 0, 0, "no advice"},
                      LimitOfPool{"AdviceForAnother",
                                  "poolscope",
                                  {advice_of("orders", "max_idle_buffers", model::Verdict::kChange, 4, 24)},
                                  What::kRefuse,
                                  "",
                                  0,
                                  0,
                                  "no advice"},
                      LimitOfPool{"NoLimitIsAdvised",
                                  "poolscope",
                                  {advice_of("frames", "drop_pool", model::Verdict::kDrop)},
                                  What::kRefuse,
                                  "",
                                  0,
                                  0,
                                  "drop the pool: because."},
                      LimitOfPool{"ResizedMeanwhile",
                                  "poolscope",
                                  {advice_of("frames", "max_idle_buffers", model::Verdict::kChange, 6, 24)},
                                  What::kRefuse,
                                  "",
                                  0,
                                  0,
                                  "max_idle_buffers is 4 by now, and the advice is for 6"},
                      LimitOfPool{"KindWithoutLimits",
                                  "go_sync_pool",
                                  {advice_of("frames", "max_idle_buffers", model::Verdict::kChange, 4, 24)},
                                  What::kRefuse,
                                  "",
                                  0,
                                  0,
                                  "in the code of its service"},
                      LimitOfPool{"BytesOfAHostedPool",
                                  "hosted",
                                  {advice_of("frames", "buffer_bytes", model::Verdict::kChange, 1024, 4096)},
                                  What::kRefuse,
                                  "",
                                  0,
                                  0,
                                  "no limit"}),
    [](const auto& info) { return info.param.name; });

TEST(AdvisedLimits, AreAllThatAreAdvisedForAPool) {
  const auto snapshot = snapshot_of({pool_of("frames", "poolscope")},
                                    {advice_of("frames", "misuse", model::Verdict::kFix),
                                     advice_of("frames", "buffer_bytes", model::Verdict::kChange, 1024, 4096),
                                     advice_of("frames", "max_idle_buffers", model::Verdict::kChange, 4, 24)});
  const auto limits = advised_limits(snapshot, {});
  ASSERT_TRUE(limits);
  ASSERT_EQ(limits->size(), 2u);
  EXPECT_EQ((*limits)[0].limit, "buffer_bytes");
  EXPECT_EQ((*limits)[1].limit, "max_idle_buffers");
}

TEST(AdvisedLimits, LeaveOutPoolsThatCannotBeResizedUnlessTheyAreNamed) {
  const auto snapshot = snapshot_of({pool_of("frames", "poolscope"), pool_of("main.cache", "go_sync_pool")}, {});
  EXPECT_EQ(advised_limits(snapshot, {})->size(), 1u);
  const std::vector<std::string> named = {"main.cache"};
  EXPECT_EQ(advised_limits(snapshot, named)->front().what, What::kRefuse);
}

TEST(AdvisedLimits, AreOfThePoolsThatAreNamed) {
  const auto snapshot = snapshot_of({pool_of("frames", "poolscope"), pool_of("orders", "poolscope")}, {});
  const std::vector<std::string> named = {"orders"};
  const auto limits = advised_limits(snapshot, named);
  ASSERT_EQ(limits->size(), 1u);
  EXPECT_EQ(limits->front().pool, "orders");
}

TEST(AdvisedLimits, NameAPoolThatIsNotThere) {
  const auto snapshot = snapshot_of({pool_of("frames", "poolscope")}, {});
  const std::vector<std::string> named = {"frames", "frame"};
  const auto limits = advised_limits(snapshot, named);
  ASSERT_FALSE(limits);
  EXPECT_THAT(limits.error(), HasSubstr("`frame`"));
}

TEST(AdvisedLimits, OfNothingAreNone) {
  EXPECT_TRUE(advised_limits(model::Snapshot{}, {})->empty());
}

}  // namespace
}  // namespace poolscope::advice
