#include "agent/advice/advice_state.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "agent/advice/adviser.h"
#include "tests/unit/advice/cases.h"

namespace poolscope::advice {
namespace {

constexpr double kEpoch = 20;

sizing::Interval saves(double ns) {
  return {ns, ns * 0.9, ns * 1.1};
}

TEST(AdviceState, TellsAChangeOnlyAfterItWasRightForSomeEpochs) {
  AdviceState state;
  const auto saving = [](std::uint64_t from, std::uint64_t to) { return saves(from == to ? 0 : 1e7); };
  const AdviceState::Size size{100, 200, 1e6, 1e6};
  unsigned epochs = 0;
  do {
    state.begin(kEpoch);
    ++epochs;
  } while (state.settle({"pool", "size"}, size, saving) == 100 && epochs < 10);
  EXPECT_EQ(epochs, sizing::Patience::kGrowEpochs);
}

TEST(AdviceState, MovesOnOnlyWithEpochs) {
  AdviceState state;
  const auto saving = [](std::uint64_t, std::uint64_t) { return saves(1e7); };
  for (int i = 0; i < 1000; ++i) {
    state.begin(0);
    ASSERT_EQ(state.settle({"pool", "size"}, {100, 200, 1e6, 1e6}, saving), 100u);
  }
}

TEST(AdviceState, DoesNotTellWhatSavesTooLittle) {
  AdviceState state;
  const auto saving = [](std::uint64_t, std::uint64_t) { return saves(1e5); };
  for (int i = 0; i < 100; ++i) {
    state.begin(kEpoch);
    ASSERT_EQ(state.settle({"pool", "size"}, {100, 200, 1e6, 1e6}, saving), 100u);
  }
}

TEST(AdviceState, HoldsAChoiceAgainstOneEpochOfAnother) {
  AdviceState state;
  for (int i = 0; i < 100; ++i) {
    state.begin(kEpoch);
    ASSERT_EQ(state.settle({"pool", "stage"}, i % 3 == 2 ? 1 : 0), 0);
  }
}

TEST(AdviceState, ChangesAChoiceAfterSomeEpochs) {
  AdviceState state;
  state.begin(kEpoch);
  ASSERT_EQ(state.settle({"pool", "stage"}, 0), 0);
  for (unsigned i = 1; i <= AdviceState::kChoiceEpochs; ++i) {
    state.begin(kEpoch);
    EXPECT_EQ(state.settle({"pool", "stage"}, 1), i == AdviceState::kChoiceEpochs ? 1 : 0);
  }
}

TEST(AdviceState, LeavesWaitingAtOnce) {
  AdviceState state;
  state.begin(kEpoch);
  ASSERT_EQ(state.settle({"pool", "stage"}, 0, true), 0);
  state.begin(0);
  EXPECT_EQ(state.settle({"pool", "stage"}, 2), 2);
}

// ---- a week of snapshots -----------------------------------------------------------------------------------------------

// Estimates of the same load differ from snapshot to snapshot by what sampling makes of it.
class NoisyService {
 public:
  explicit NoisyService(std::uint64_t seed) : random_(seed) {}

  model::Snapshot at(std::uint64_t second, double needed_factor) {
    model::Snapshot snapshot;
    snapshot.time_unix_ns = 1'700'000'000'000'000'000 + second * 1'000'000'000;
    model::TargetSnapshot target = testing::everything();
    for (model::PoolSummary& pool : target.pools) disturb(pool, needed_factor);
    snapshot.targets = {std::move(target)};
    return snapshot;
  }

 private:
  double noise(double sigma) { return std::exp(std::normal_distribution<double>(0, sigma)(random_)); }

  void disturb(model::PoolSummary& pool, double needed_factor) {
    const double rate = noise(0.05);
    for (auto* estimate : {&pool.gets_per_second, &pool.misses_per_second, &pool.regrowths_per_second})
      if (*estimate) (*estimate)->value *= rate;
    pool.hit_ratio->value = std::clamp(1 - (1 - pool.hit_ratio->value) * noise(0.02), 0.0, 1.0);
    pool.hit_ratio->low = std::max(0.0, pool.hit_ratio->value - 0.04);
    pool.hit_ratio->high = std::min(1.0, pool.hit_ratio->value + 0.04);
    if (!pool.needed_bytes) return;
    double sum = 0;
    for (auto& [bytes, share] : pool.needed_bytes->buckets) {
      bytes = static_cast<std::uint64_t>(static_cast<double>(bytes) * needed_factor);
      sum += share *= noise(0.1);
    }
    for (auto& [bytes, share] : pool.needed_bytes->buckets) share /= sum;
  }

  std::mt19937_64 random_;
};

using Told = std::map<std::string, std::string>;  // pool -> what is told of it, without its numbers

Told told_of(const model::Snapshot& snapshot) {
  Told told;
  for (const auto& advice : snapshot.targets[0].advice) {
    const bool is_pool =
        std::ranges::any_of(snapshot.targets[0].pools, [&](const auto& pool) { return pool.name == advice.subject; });
    if (!is_pool || advice.kind == "misuse") continue;
    told[advice.subject] +=
        advice.kind + model::verdict_name(advice.verdict) + std::to_string(advice.recommended.value_or(0)) + " ";
  }
  return told;
}

TEST(Adviser, ChangesItsMindAtMostOnceInAWeekOfTheSameLoad) {
  Adviser adviser(testing::prices());
  NoisyService service(1);
  Told before;
  std::map<std::string, unsigned> changes;
  for (std::uint64_t second = 0; second < 7 * 86400; second += 20) {
    model::Snapshot snapshot = service.at(second, 1);
    adviser.advise(snapshot);
    const Told now = told_of(snapshot);
    for (const auto& [pool, told] : now)
      if (const auto was = before.find(pool); was != before.end() && was->second != told) ++changes[pool];
    before = now;
  }
  EXPECT_EQ(before.size(), 8u);
  for (const auto& [pool, count] : changes) EXPECT_LE(count, 1u) << pool << ": " << before[pool];
}

TEST(Adviser, NoticesAnotherLoadWithinTwoMinutes) {
  Adviser adviser(testing::prices());
  NoisyService service(2);
  model::Snapshot snapshot;
  std::uint64_t second = 0;
  for (; second < 3600; second += 5) {
    snapshot = service.at(second, 1);
    adviser.advise(snapshot);
  }
  const std::string before = told_of(snapshot)["replies"];
  const std::uint64_t changed_at = second;
  for (; second < changed_at + 600; second += 5) {
    snapshot = service.at(second, 8);
    adviser.advise(snapshot);
    if (told_of(snapshot)["replies"] != before) break;
  }
  EXPECT_LE(second - changed_at, 120u);
}

}  // namespace
}  // namespace poolscope::advice
