#include "pools/sizing/idle_buffers.h"

#include <map>
#include <random>

#include <gtest/gtest.h>

#include "tests/unit/pools/played_pool.h"

namespace poolscope::sizing {
namespace {

IdleUse some_use() {
  IdleUse use;
  use.misses = {{1, 0.5, 0.5}, {2, 0.2, 0.2}, {4, 0.05, 0.05}, {8, 0.01, 0.01}, {16, 0.01, 0.01}};
  use.gets_per_second = 1000;
  use.miss_ns = 5000;
  use.buffer_bytes = 64 << 10;
  return use;
}

TEST(MissesAt, IsThatOfTheNextSmallerKnownCap) {
  const auto curve = some_use().misses;
  EXPECT_EQ(misses_at(curve, 4).high, 0.05);
  EXPECT_EQ(misses_at(curve, 7).high, 0.05);
  EXPECT_EQ(misses_at(curve, 7).low, 0.01) << "it may be as good as 8";
  EXPECT_EQ(misses_at(curve, 1000).high, 0.01);
  EXPECT_EQ(misses_at(curve, 0).high, 1);
}

TEST(ChooseIdleBuffers, IsWhereOneMoreBufferCostsWhatItSaves) {
  const auto choice = choose_idle_buffers(some_use(), Prices{});
  ASSERT_TRUE(choice);
  double least = 1e300;
  for (const auto& at : some_use().misses)
    least = std::min(least,
                     1000 * at.low * 5000 + static_cast<double>(at.idle_buffers) * 65536 * Prices{}.byte_second_ns());
  EXPECT_LE(cost_of_idle_buffers(some_use(), Prices{}, choice->best_buffers).ns_per_second, least * (1 + kFlatRatio));
  EXPECT_EQ(choice->best_buffers, 8u);
}

TEST(ChooseIdleBuffers, KeepsFewerWhenMissesAreCheap) {
  IdleUse use = some_use();
  use.miss_ns = 30;
  EXPECT_EQ(choose_idle_buffers(use, Prices{})->best_buffers, 1u);
}

TEST(ChooseIdleBuffers, TellsHowManyGiveShareOfTheHitsThatCanBeHad) {
  const auto choice = choose_idle_buffers(some_use(), Prices{});
  EXPECT_EQ(choice->for_95, 4u);
  EXPECT_EQ(choice->for_99, 8u);
  EXPECT_EQ(choice->for_999, 8u);
}

TEST(ChooseIdleBuffers, OfNoCurveIsNothing) {
  EXPECT_FALSE(choose_idle_buffers({}, Prices{}));
}

TEST(IdleSaving, IsTheDifferenceOfTheCosts) {
  const IdleUse use = some_use();
  const auto saving = idle_saving(use, Prices{}, 1, 8);
  EXPECT_NEAR(
      saving.value,
      cost_of_idle_buffers(use, Prices{}, 1).ns_per_second - cost_of_idle_buffers(use, Prices{}, 8).ns_per_second,
      1e-6);
  EXPECT_LE(saving.low, saving.value);
  EXPECT_GE(saving.high, saving.value);
}

TEST(IdleSaving, GoesFromTheWorstToTheBestOfWhatIsNotKnown) {
  IdleUse use = some_use();
  use.misses = {{1, 0.3, 0.5}, {8, 0.0, 0.4}};
  use.buffer_bytes = 0;
  const auto grow = idle_saving(use, Prices{}, 1, 8);
  EXPECT_DOUBLE_EQ(grow.low, 0) << "more buffers never miss more";
  EXPECT_DOUBLE_EQ(grow.high, 1000 * 5000 * 0.5);
  const auto shrink = idle_saving(use, Prices{}, 8, 1);
  EXPECT_DOUBLE_EQ(shrink.high, 0);
  EXPECT_DOUBLE_EQ(shrink.low, -1000 * 5000 * 0.5);
}

TEST(MissesFromDepth, AreNeverFewerThanThoseOfAPoolPlayedWithTheCap) {
  std::mt19937 random(2);
  for (unsigned round = 0; round < 20; ++round) {
    std::bernoulli_distribution is_put(0.5);
    std::vector<PlayedPool> played;
    for (std::uint64_t cap = 1; cap <= 64; ++cap) played.emplace_back(cap);
    std::map<std::uint64_t, double> depths;
    std::uint64_t idle = 0, puts = 0, gets = 0, misses = 0;
    for (int event = 0; event < 20'000; ++event) {
      const bool puts_now = is_put(random);
      for (auto& pool : played) puts_now ? pool.put() : pool.get();
      if (puts_now) {
        ++idle, ++puts;
        depths[idle] += 1;
      } else {
        ++gets;
        misses += idle == 0 ? 1 : 0;
        idle -= idle > 0 ? 1 : 0;
      }
    }
    Shares shares;
    for (const auto& [depth, count] : depths) shares.emplace_back(depth, count / static_cast<double>(puts));
    const auto curve = misses_from_depth(shares, static_cast<double>(puts) / static_cast<double>(gets),
                                         static_cast<double>(misses) / static_cast<double>(gets));
    for (const MissesAt& at : curve) {
      if (at.idle_buffers > played.size()) continue;
      const double true_ratio =
          static_cast<double>(played[at.idle_buffers - 1].misses().from_empty) / static_cast<double>(gets);
      EXPECT_GE(at.high + 1e-12, true_ratio) << "cap " << at.idle_buffers;
      EXPECT_LE(at.low, true_ratio + 1e-12) << "cap " << at.idle_buffers;
    }
  }
}

struct LossCase {
  double offered, loss;
  std::uint64_t buffers;
};
class Erlang : public testing::TestWithParam<LossCase> {};

// Tables of the formula are in every book on telephone traffic.
TEST_P(Erlang, NeedsTheBuffersOfTheTables) {
  const auto& [offered, loss, buffers] = GetParam();
  EXPECT_EQ(erlang_buffers(offered, loss), buffers);
  EXPECT_LE(erlang_loss(buffers, offered), loss);
  EXPECT_GT(erlang_loss(buffers - 1, offered), loss);
}

INSTANTIATE_TEST_SUITE_P(Table, Erlang,
                         testing::Values(LossCase{2, 0.05, 5}, LossCase{2, 0.01, 7}, LossCase{10, 0.05, 15},
                                         LossCase{10, 0.01, 18}, LossCase{10, 0.001, 21}, LossCase{50, 0.01, 64},
                                         LossCase{100, 0.01, 117}, LossCase{1000, 0.01, 1029}));

TEST(ErlangLoss, OfNoBuffersIsEverythingAndOfNoGetsNothing) {
  EXPECT_EQ(erlang_loss(0, 5), 1);
  EXPECT_EQ(erlang_loss(3, 0), 0);
  EXPECT_EQ(erlang_buffers(0, 0.01), 1u);
}

}  // namespace
}  // namespace poolscope::sizing
