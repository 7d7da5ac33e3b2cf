#include "agent/advice/advise.h"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "exporters/model/json.h"
#include "poolscope/log_linear.h"
#include "tests/unit/advice/cases.h"

namespace poolscope::advice {
namespace {

using model::Advice;
using model::Verdict;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<Advice> advise_on(model::PoolSummary pool) {
  model::TargetSnapshot target = testing::service();
  target.pools = {std::move(pool)};
  return advise(target, testing::prices());
}

Advice only(const std::vector<Advice>& all) {
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? Advice{} : all.front();
}

// ---- every number is from somewhere ------------------------------------------------------------------------------------

// "pools[frames].needed_bytes.p99" of a target.
const json* resolve(const json& target, std::string path) {
  if (path.starts_with("target.")) path.erase(0, std::string("target.").size());
  const json* at = &target;
  while (!path.empty()) {
    if (const auto open = path.find('['); open != std::string::npos && open < path.find('.')) {
      const auto close = path.find("].");
      const std::string name = path.substr(open + 1, close - open - 1);
      const json& list = (*at)[path.substr(0, open)];
      const auto found = std::ranges::find_if(
          list, [&](const json& one) { return one.value("name", one.value("symbol", "")) == name; });
      if (found == list.end()) return nullptr;
      at = &*found;
      path.erase(0, close + 2);
      continue;
    }
    const std::string member = path.substr(0, path.find('.'));
    path.erase(0, std::min(path.size(), member.size() + 1));
    if (!at->contains(member)) return nullptr;
    at = &(*at)[member];
  }
  return at;
}

TEST(Advise, SaysNoNumberThatIsNotEvidence) {
  for (const Advice& advice : advise(testing::everything(), testing::prices())) {
    std::string rest = advice.why;
    for (const auto& evidence : advice.evidence) {
      const auto at = rest.find(evidence.text);
      ASSERT_NE(at, std::string::npos) << evidence.text << " in " << advice.why;
      rest.erase(at, evidence.text.size());
    }
    EXPECT_EQ(rest.find_first_of("0123456789"), std::string::npos) << rest;
  }
}

TEST(Advise, NamesFieldsOfTheSnapshotThatHaveTheValueItSays) {
  model::Snapshot snapshot;
  snapshot.targets = {testing::everything()};
  snapshot.targets[0].advice = advise(snapshot.targets[0], testing::prices());
  const json target = json::parse(model::to_json(snapshot))["targets"][0];
  unsigned seen = 0;
  for (const Advice& advice : snapshot.targets[0].advice) {
    for (const auto& evidence : advice.evidence) {
      if (evidence.field.starts_with("advice.")) continue;  // computed from the others
      const json* value = resolve(target, evidence.field);
      ASSERT_NE(value, nullptr) << evidence.field;
      EXPECT_DOUBLE_EQ(value->get<double>(), evidence.value) << evidence.field;
      ++seen;
    }
  }
  EXPECT_GE(seen, 20u);
}

// ---- what it says of pools ---------------------------------------------------------------------------------------------

TEST(Advise, TellsALargerCapacityWhereBuffersGrow) {
  const Advice advice = only(advise_on(testing::too_small_buffers()));
  EXPECT_EQ(advice.kind, "buffer_bytes");
  EXPECT_EQ(advice.verdict, Verdict::kChange);
  EXPECT_EQ(advice.current, 4096u);
  EXPECT_GE(advice.recommended.value_or(0), 10240u);
  EXPECT_GT(advice.saved_cpu_ratio->value, 0);
  EXPECT_GE(advice.saved_cpu_ratio->low.value(), 0) << "at least nothing, where they grow at once";
}

TEST(Advise, PromisesLessWhereNewBuffersGrowOnceEach) {
  model::PoolSummary at_once = testing::too_small_buffers(), in_steps = at_once;
  for (auto* pool : {&at_once, &in_steps}) pool->needed_bytes->buckets = {{65536, 1}};
  at_once.regrowths_per_second = at_once.misses_per_second;
  in_steps.regrowths_per_second->value = 4 * at_once.misses_per_second->value;  // 4 KiB, doubled four times
  const Advice less = only(advise_on(at_once)), more = only(advise_on(in_steps));
  ASSERT_EQ(less.kind, "buffer_bytes");
  ASSERT_EQ(more.kind, "buffer_bytes");
  EXPECT_LT(less.saved_cpu_ratio->high.value(), 0.2 * more.saved_cpu_ratio->value);
}

TEST(Advise, NamesNoSmallerSizeAsAnAlternativeThatHoldsHardlyAny) {
  model::PoolSummary pool = testing::too_small_buffers();
  pool.published->buffer_bytes = 512;
  pool.needed_bytes->buckets = {{32768, 1}};
  pool.regrowths_per_second->value = 6 * pool.misses_per_second->value;
  const Advice advice = only(advise_on(pool));
  ASSERT_EQ(advice.kind, "buffer_bytes");
  EXPECT_TRUE(advice.alternatives.empty()) << advice.alternatives.front();
}

TEST(Advise, TellsASmallerCapacityWhereMemoryIsHeldForNothing) {
  const Advice advice = only(advise_on(testing::too_large_buffers()));
  EXPECT_EQ(advice.kind, "buffer_bytes");
  EXPECT_LE(advice.recommended.value_or(1 << 30), 16384u);
  EXPECT_GE(advice.recommended.value_or(0), 8192u);
}

TEST(Advise, DoesNotShrinkBuffersThatAreFilledExactly) {
  model::PoolSummary pool = testing::too_small_buffers();
  pool.regrowths_per_second = {0, 0, 0};
  pool.published->buffer_bytes = 4096;
  pool.buffer_bytes.reset();
  // The bucket that 4096 lies in reaches further.
  pool.needed_bytes->buckets = {{1087, 0.5}, {ps_log_linear_upper(ps_log_linear_index(4096)), 0.5}};
  EXPECT_EQ(only(advise_on(pool)).verdict, Verdict::kKeep);
}

TEST(Advise, DoesNotShrinkBuffersThatGrewBeforeAndAreHandedOutAgain) {
  model::PoolSummary pool = testing::too_small_buffers();
  pool.regrowths_per_second = {0, 0, 0};
  pool.buffer_bytes->buckets = {{12288, 1}};
  pool.hit_ratio = {1, 1, 1};
  const Advice advice = only(advise_on(pool));
  EXPECT_EQ(advice.verdict, Verdict::kKeep) << advice.kind;
}

// 16 KiB each, of which 9 to 12 KiB are needed.
model::PoolSummary pool_with_known_needs() {
  model::PoolSummary pool = testing::good();
  pool.hit_ratio = {1, 1, 1};
  pool.needed_bytes = testing::too_large_buffers().needed_bytes;
  pool.needed_bytes->buckets = {{9215, 0.5}, {12287, 0.5}};
  return pool;
}

TEST(Advise, KeepsASizeAndTellsWhichOthersCostTheSameAndWhatTheyWouldHold) {
  const Advice advice = only(advise_on(pool_with_known_needs()));
  EXPECT_EQ(advice.verdict, Verdict::kKeep);
  EXPECT_GE(advice.same_cost_from.value_or(0), 12287u) << "smaller ones would have to grow";
  EXPECT_LT(advice.same_cost_from.value_or(0), 12287u + 64);
  EXPECT_GE(advice.same_cost_to.value_or(0), 32768u);
  EXPECT_NE(advice.why.find("idle, they would hold 240 KiB to 640 KiB, now 320 KiB"), std::string::npos) << advice.why;
}

// A service that does little but get and put would take several times its CPU time without the pool.
TEST(Advise, TellsWhatAPoolSavesOfWhatTheTargetWouldTakeWithoutIt) {
  model::PoolSummary pool = pool_with_known_needs();
  pool.gets_per_second = {50e6, 49e6, 51e6};
  const Advice advice = only(advise_on(pool));
  EXPECT_EQ(advice.verdict, Verdict::kKeep);
  const model::Estimate saved = advice.saved_cpu_ratio.value_or(model::Estimate{0, 0, 0});
  EXPECT_GT(saved.value, 0.5);
  EXPECT_LT(*saved.high, 1);
  EXPECT_LE(*saved.low, saved.value);
  EXPECT_NE(advice.why.find(") of the CPU time that the target would take without it"), std::string::npos)
      << advice.why;
}

TEST(Advise, NamesNoSizesThatCostTheSameOfBlocksBelowAPage) {
  model::PoolSummary pool = pool_with_known_needs();
  pool.published->buffer_bytes = 1024;
  pool.needed_bytes->buckets = {{511, 0.5}, {767, 0.5}};
  EXPECT_EQ(only(advise_on(pool)).same_cost_from, std::nullopt);
}

TEST(Advise, NamesNoSizesThatCostTheSameWhereNeedsAreUnknown) {
  const Advice advice = only(advise_on(testing::good()));
  EXPECT_EQ(advice.verdict, Verdict::kKeep);
  EXPECT_EQ(advice.same_cost_from, std::nullopt);
}

TEST(Advise, TellsAsManyIdleBuffersAsAreOutAtATime) {
  const Advice advice = only(advise_on(testing::too_few_idle_buffers()));
  EXPECT_EQ(advice.kind, "max_idle_buffers");
  EXPECT_EQ(advice.current, 6u);
  EXPECT_EQ(advice.recommended, 40u);
  EXPECT_NEAR(advice.predicted_hit_ratio.value_or(0), 1, 1e-9);
}

TEST(Advise, SaysDropWhereNoHitRatioPays) {
  const Advice advice = only(advise_on(testing::useless()));
  EXPECT_EQ(advice.kind, "drop_pool");
  EXPECT_EQ(advice.verdict, Verdict::kDrop);
}

TEST(Advise, LeavesAGoodPoolAsItIs) {
  const Advice advice = only(advise_on(testing::good()));
  EXPECT_EQ(advice.verdict, Verdict::kKeep);
  EXPECT_LT(advice.break_even_hit_ratio.value_or(1), 0.9);
}

model::PoolSummary sync_pool(const char* element, std::uint64_t object_bytes) {
  model::PoolSummary pool = testing::emptied();
  pool.element = element;
  pool.hit_ratio = model::Estimate{1, 1, 1};
  pool.buffer_bytes.reset();
  pool.object_bytes = object_bytes;
  pool.thrown_away_per_gc = 0;
  pool.gets_per_second = model::Estimate{1e6, 1e6, 1e6};
  return pool;
}

Advice advise_go(model::PoolSummary pool) {
  model::TargetSnapshot target = testing::service();
  target.runtime = "go";
  target.pools = {std::move(pool)};
  sizing::Prices prices = testing::prices();
  prices.allocation_ns = {{64, 8}, {4096, 18}};  // of malloc, faster than Get and Put of a sync.Pool
  return only(advise(target, prices));
}

TEST(Advise, KnowsThatAnObjectOfGoIsDearerThanABlockOfMalloc) {
  const Advice advice = advise_go(sync_pool("*main.result", 48));
  EXPECT_EQ(advice.verdict, Verdict::kKeep);
  EXPECT_LT(advice.break_even_hit_ratio.value_or(1), 0.8);
}

TEST(Advise, DoesNotTakeAMapForItsPointer) {
  const Advice advice = advise_go(sync_pool("map[string]interface {}", 8));
  EXPECT_EQ(advice.verdict, Verdict::kKeep);
  EXPECT_EQ(advice.why, "it hits 100 % of its gets.");
  EXPECT_FALSE(advice.saved_cpu_ratio.has_value());
}

TEST(Advise, LeavesAPoolThatIsHardlyUsed) {
  const Advice advice = only(advise_on(testing::hardly_used()));
  EXPECT_EQ(advice.verdict, Verdict::kKeep);
  EXPECT_NE(advice.why.find("leave it"), std::string::npos);
}

TEST(Advise, TellsAboutCollectionsThatEmptyAPool) {
  model::TargetSnapshot target = testing::service();
  target.gc.emplace();
  target.gc->cycles = 100;
  target.pools = {testing::emptied()};
  EXPECT_THAT(advise(target, testing::prices()),
              Contains(AllOf(Field(&Advice::kind, "tuning"), Field(&Advice::verdict, Verdict::kTune))));
}

TEST(Advise, WaitsUntilEnoughWasSeen) {
  model::TargetSnapshot target = testing::service();
  target.pools = {testing::emptied()};
  target.cost.bursts = {{"taken", 10}};
  target.cost.observed_seconds = 30;
  const Advice advice = only(advise(target, testing::prices()));
  EXPECT_EQ(advice.verdict, Verdict::kWait);
  EXPECT_NE(advice.why.find("60 s"), std::string::npos) << advice.why;
}

TEST(Advise, TellsMisuseAtOnce) {
  model::PoolSummary pool = testing::misused();
  pool.counted.gets = 10;
  const auto all = advise_on(pool);
  EXPECT_EQ(std::ranges::count(all, Verdict::kFix, &Advice::verdict), 3);
  EXPECT_EQ(std::ranges::count(all, Verdict::kWait, &Advice::verdict), 1);
}

model::PoolSummary lossy(double put_ratio, std::uint64_t gets_seen) {
  model::PoolSummary pool = sync_pool("*main.item", 96);
  pool.hit_ratio = model::Estimate{put_ratio, put_ratio - 0.03, put_ratio + 0.03};
  pool.puts_per_second = model::Estimate{1e6 * put_ratio, 0, 1e7};  // only their ratio is well known
  pool.counted.gets = gets_seen;
  return pool;
}

std::vector<Advice> misuse_of(const model::PoolSummary& pool) {
  std::vector<Advice> all = advise_on(pool);
  std::erase_if(all, [](const Advice& advice) { return advice.kind != "misuse"; });
  return all;
}

TEST(Advise, TellsOfObjectsThatAreNotPutBack) {
  const Advice advice = only(misuse_of(lossy(0.75, 800)));
  EXPECT_EQ(advice.verdict, Verdict::kFix);
  EXPECT_THAT(advice.why, HasSubstr("only 75 % as many puts as gets"));
}

TEST(Advise, SaysNothingOfPutsWhereTooFewWereSeenOrNearlyAllComeBack) {
  EXPECT_THAT(misuse_of(lossy(0.75, 100)), IsEmpty());
  EXPECT_THAT(misuse_of(lossy(0.89, 800)), IsEmpty());
  EXPECT_THAT(misuse_of(lossy(0.97, 1'000'000)), IsEmpty());
}

TEST(Advise, SaysNothingOfPutsWhereThePoolHitsAllTheSame) {
  model::PoolSummary filled_by_somebody_else = lossy(0.75, 800);
  filled_by_somebody_else.hit_ratio = model::Estimate{1, 1, 1};
  EXPECT_THAT(misuse_of(filled_by_somebody_else), IsEmpty());
}

TEST(Advise, SaysNothingOfSizesWhereTheCpuTimeIsNotKnown) {
  model::TargetSnapshot target = testing::service();
  target.cpu_seconds_per_second.reset();
  target.pools = {testing::too_small_buffers()};
  EXPECT_EQ(only(advise(target, testing::prices())).verdict, Verdict::kKeep);
}

TEST(Advise, SaysNothingOfAPoolWithoutRates) {
  model::PoolSummary pool;
  pool.name = "new";
  EXPECT_THAT(advise_on(pool), IsEmpty());
}

// ---- what it says of places without a pool -----------------------------------------------------------------------------

TEST(Advise, TellsWhatToReserveWhereBuffersGrowStepByStep) {
  model::TargetSnapshot target = testing::service();
  target.growth_chains = {testing::growing_string()};
  const Advice advice = only(advise(target, testing::prices()));
  EXPECT_EQ(advice.kind, "reserve");
  EXPECT_GE(advice.recommended.value_or(0), 8000u);
}

TEST(Advise, TellsToAdoptAPoolWhereLargeBlocksDieYoung) {
  model::TargetSnapshot target = testing::service();
  target.call_sites = {testing::short_lived_blocks()};
  EXPECT_EQ(only(advise(target, testing::prices())).verdict, Verdict::kAdopt);
}

TEST(Advise, SaysThatARateIsRoughlyKnownAndPromisesAWideRange) {
  model::TargetSnapshot target = testing::service();
  target.call_sites = {testing::short_lived_blocks()};
  const auto known = advise(target, testing::prices());
  target.call_sites[0].per_second = {target.call_sites[0].per_second->value, {}, {}};
  const auto rough = advise(target, testing::prices());
  ASSERT_EQ(known.size(), 1u);
  ASSERT_EQ(rough.size(), 1u);
  EXPECT_LT(*rough[0].saved_cpu_ratio->low, 0.5 * *known[0].saved_cpu_ratio->low);
  EXPECT_EQ(known[0].why.find("roughly"), std::string::npos);
  EXPECT_NE(rough[0].why.find("known roughly"), std::string::npos) << rough[0].why;
}

class NotWorthAPool : public ::testing::TestWithParam<std::pair<const char*, void (*)(model::CallSite&)>> {};

TEST_P(NotWorthAPool, IsLeftAlone) {
  model::TargetSnapshot target = testing::service();
  target.call_sites = {testing::short_lived_blocks()};
  GetParam().second(target.call_sites[0]);
  EXPECT_THAT(advise(target, testing::prices()), IsEmpty()) << GetParam().first;
}

INSTANTIATE_TEST_SUITE_P(
    Table, NotWorthAPool,
    ::testing::Values(std::pair{"long-lived", +[](model::CallSite& site) { site.short_lived_ratio = 0.3; }},
                      std::pair{"tiny", +[](model::CallSite& site) { site.bytes_per_second->value = 100'000 * 32.0; }},
                      std::pair{"rare",
                                +[](model::CallSite& site) {
                                  site.per_second = {10, 9, 11}, site.bytes_per_second = {163840, 1, 2};
                                }},
                      std::pair{"unsure", +[](model::CallSite& site) { site.per_second->low = 0; }},
                      std::pair{"miss of a pool",
                                +[](model::CallSite& site) { site.symbol = "poolscope::detail::BufferCore::grow()"; }},
                      std::pair{"lifetime not known", +[](model::CallSite& site) { site.short_lived_ratio.reset(); }}));

TEST(Advise, PutsFaultsFirstAndKeepsLast) {
  const auto all = advise(testing::everything(), testing::prices());
  ASSERT_GT(all.size(), 8u);
  EXPECT_EQ(all.front().verdict, Verdict::kFix);
  EXPECT_EQ(all.back().verdict, Verdict::kKeep);
}

}  // namespace
}  // namespace poolscope::advice
