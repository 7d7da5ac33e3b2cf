#include "agent/budget/own_pace.h"

#include <gtest/gtest.h>

namespace poolscope::budget {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000, kSecond = 1'000'000'000;

// An agent of which each burst takes `burst_ns` and the rest `upkeep_ns` a second, and which does as it is told.
class Agent {
 public:
  Agent(std::uint64_t burst_ns, std::uint64_t upkeep_ns) : burst_ns_(burst_ns), upkeep_ns_(upkeep_ns) {}
  // The share of a core that it took.
  double run(std::uint64_t seconds) {
    const std::uint64_t cpu_before_ns = cpu_ns_;
    for (std::uint64_t i = 0; i < seconds * 1000; ++i) {
      now_ns_ += kMillisecond;
      if (now_ns_ % kSecond == 0) {
        pace_.spend_on_upkeep(upkeep_ns_);
        cpu_ns_ += upkeep_ns_;
      }
      if (static_cast<double>(now_ns_ - last_burst_ns_) >= pace_.interval_ns() &&
          now_ns_ - last_burst_ns_ >= 8 * kMillisecond) {
        last_burst_ns_ = now_ns_;
        cpu_ns_ += burst_ns_;
        pace_.took_burst();
      }
      pace_.observe(cpu_ns_, now_ns_);
    }
    return static_cast<double>(cpu_ns_ - cpu_before_ns) / static_cast<double>(seconds * kSecond);
  }

  OwnPace pace_;

 private:
  std::uint64_t burst_ns_, upkeep_ns_;
  std::uint64_t now_ns_ = kSecond, cpu_ns_ = 7 * kSecond, last_burst_ns_ = 0;
};

TEST(OwnPace, TakesBurstsForUsualOnesBeforeAnyIsKnown) {
  EXPECT_DOUBLE_EQ(OwnPace().interval_ns(), OwnPace::kUsualBurstNs / OwnPace::kAimRatio);
}

TEST(OwnPace, KeepsAllThatAnAgentDoesWithinTheBudget) {
  Agent agent(3 * kMillisecond, 2 * kMillisecond);
  (void)agent.run(30);
  EXPECT_NEAR(agent.run(300), OwnPace::kAimRatio, 0.0005);
}

TEST(OwnPace, LeavesAQuarterOfTheBudgetToBurstsWhenUpkeepTakesMore) {
  Agent agent(3 * kMillisecond, 20 * kMillisecond);
  (void)agent.run(30);
  EXPECT_NEAR(agent.run(300), 0.02 + OwnPace::kCpuRatio * OwnPace::kShareOfBursts, 0.0005);
}

TEST(OwnPace, FollowsBurstsThatBecomeDearer) {
  OwnPace pace;
  std::uint64_t cpu_ns = 0;
  for (std::uint64_t window = 0; window < 20; ++window) {
    pace.observe(cpu_ns, kSecond + window * OwnPace::kWindowNs);
    pace.took_burst();
    cpu_ns += window < 10 ? kMillisecond : 4 * kMillisecond;
  }
  EXPECT_NEAR(pace.interval_ns(), 4 * kMillisecond / OwnPace::kAimRatio, 0.01 * kSecond);
}

TEST(OwnPace, KnowsWhatABurstTakesAlsoAfterATimeWithoutAny) {
  OwnPace pace;
  pace.observe(0, kSecond);
  pace.took_burst();
  pace.observe(kMillisecond, 11 * kSecond);
  pace.observe(kMillisecond, 21 * kSecond);
  EXPECT_EQ(pace.interval_ns(), kMillisecond / OwnPace::kAimRatio);
}

}  // namespace
}  // namespace poolscope::budget
