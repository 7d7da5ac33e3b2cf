// Samples of CPU time come from the processes that are watched, from where they are, to each who watches. Needs root; without BPF the tests
// are skipped, unless POOLSCOPE_REQUIRE_BPF is set.

#include "probes/collectors/cpu_samples.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/process/monotonic_clock.h"
#include "tests/integration/start_or_skip.h"

namespace {

using namespace poolscope;
using probes::CpuSamples;

constexpr std::uint64_t kMillisecond = 1'000'000;

class CpuSamplesOfChildren : public testing::Test {
 protected:
  void SetUp() override { start_or_skip(samples_); }
  void TearDown() override {
    for (const pid_t child : children_) {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
  }
  // Computes until it is killed.
  pid_t busy_child() {
    const pid_t child = ::fork();
    if (child == 0) {
      for (volatile bool goes_on = true; goes_on;) {
      }
    }
    children_.push_back(child);
    return child;
  }
  // Until `is_enough`, for ten seconds at most.
  template <typename IsEnough>
  bool poll_until(IsEnough is_enough) {
    const std::uint64_t end = process::monotonic_ns() + 10'000 * kMillisecond;
    while (process::monotonic_ns() < end) {
      samples_->poll(process::monotonic_ns());
      if (is_enough()) return true;
      process::sleep_until_ns(process::monotonic_ns() + 20 * kMillisecond);
    }
    return false;
  }

  std::unique_ptr<CpuSamples> samples_;
  std::vector<pid_t> children_;
};

TEST_F(CpuSamplesOfChildren, KnowTheirPrice) {
  EXPECT_GT(samples_->price_ns(), 100u);
  EXPECT_LT(samples_->price_ns(), 100'000u);
}

TEST_F(CpuSamplesOfChildren, GoToEachWhoWatchesAndToNobodyElse) {
  const pid_t child = busy_child(), other = busy_child();
  const auto first = samples_->watch(child), second = samples_->watch(child);
  ASSERT_TRUE(first && second && other > 0);
  ASSERT_TRUE(poll_until([&] { return !first->is_empty(); }));
  const auto taken = first->take(), taken_too = second->take();
  EXPECT_EQ(taken.places.size(), taken_too.places.size());
  EXPECT_GT(taken.charge_ns, 0u);
  EXPECT_TRUE(first->is_empty());
}

TEST_F(CpuSamplesOfChildren, EndWithTheLastWhoWatches) {
  const pid_t child = busy_child();
  const auto kept = samples_->watch(child);
  samples_->watch(child).reset();
  EXPECT_TRUE(poll_until([&] { return !kept->is_empty(); })) << "one of two left";
}

TEST_F(CpuSamplesOfChildren, SayThatAProgramThatComputesIsInItsOwnCode) {
  const auto watch = samples_->watch(busy_child());
  ASSERT_TRUE(watch);
  std::size_t all = 0, own = 0;
  ASSERT_TRUE(poll_until([&] {
    for (const auto& place : watch->take().places) {
      ++all;
      own += place.mode == CpuSamples::Mode::kUser && place.user_address != 0 ? 1 : 0;
    }
    return all >= 20;
  }));
  EXPECT_GE(own * 10, all * 9) << own << " of " << all;
}

TEST_F(CpuSamplesOfChildren, ComeMoreRarelyWhereTheyCannotBePaid) {
  const double at_49_hz = static_cast<double>(samples_->price_ns()) / static_cast<double>(CpuSamples::kPeriodNs);
  EXPECT_TRUE(samples_->limit_cpu_ratio(2 * at_49_hz));
  EXPECT_TRUE(samples_->limit_cpu_ratio(at_49_hz / 10));
  EXPECT_FALSE(samples_->limit_cpu_ratio(at_49_hz / 1000));
  EXPECT_FALSE(samples_->limit_cpu_ratio(0));
}

}  // namespace
