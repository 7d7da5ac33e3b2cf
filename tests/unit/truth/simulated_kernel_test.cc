// The simulated kernel against streams whose answer is known without it.

#include "tests/truth/simulated_kernel.h"

#include <gtest/gtest.h>

#include "poolscope/log_linear.h"

namespace poolscope::truth {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

// An object every microsecond, which dies 10 us later: no pauses.
EventStream saturated() {
  EventStream stream;
  for (std::uint32_t i = 0; i < 30'000; ++i) {
    stream.add_allocation(i * 1000, 0, 64);
    if (i >= 10) stream.add_free(i * 1000 + 500, 0, i - 10);
  }
  stream.end_ns = 30 * kMs;
  return stream;
}

SimulatedKernel::Options free_of_charge() {
  return {{0, 0, 0}, 1, 8192};
}

TEST(SimulatedKernel, SeesEveryEventWhenHitsCostNothing) {
  const EventStream stream = saturated();
  SimulatedKernel kernel(stream);
  kernel.set_options(free_of_charge());
  const auto record = kernel.rate(5 * kMs, {2 * kMs, 1'000'000});
  EXPECT_EQ(record.counts.allocations, 2000u);
  EXPECT_EQ(record.counts.allocated_bytes, 2000u * 64);
  EXPECT_EQ(record.allocation_window.cpu_ns, 2 * kMs);
  EXPECT_EQ(record.charge_ns, 0u);
}

TEST(SimulatedKernel, SlowsATargetWithoutPausesByWhatHitsCost) {
  const EventStream stream = saturated();
  SimulatedKernel kernel(stream);
  kernel.set_options({{1000, 1000, 1000}, 1, 8192});  // a hit takes as long as the work between two
  const auto record = kernel.rate(5 * kMs, {2 * kMs, 1'000'000});
  // All that it does in two milliseconds without probes, and as much time again for them.
  EXPECT_NEAR(static_cast<double>(record.counts.allocations), 2000, 4);
  EXPECT_NEAR(static_cast<double>(record.allocation_window.cpu_ns), 4 * kMs, 4000);
  EXPECT_NEAR(static_cast<double>(record.allocation_window.charge_ns), 2 * kMs, 4000);
  EXPECT_NEAR(static_cast<double>(*record.allocation_window.late_ns), 2 * kMs, 4000);
}

TEST(SimulatedKernel, LetsATargetWithPausesCatchUp) {
  EventStream stream;
  stream.wait_ns = 10'000;
  for (std::uint32_t i = 0; i < 100; ++i) stream.add_allocation(i * 100'000, 0, 64);
  stream.end_ns = 10 * kMs;
  SimulatedKernel kernel(stream);
  kernel.set_options({{50'000, 0, 0}, 1, 8192});
  const auto record = kernel.rate(0, {5 * kMs, 1'000'000});
  EXPECT_EQ(record.counts.allocations, 50u);
  EXPECT_EQ(record.allocation_window.charge_ns, 50u * 50'000);
  EXPECT_EQ(record.allocation_window.cpu_ns, 50u * 60'000);
  EXPECT_EQ(record.allocation_window.late_ns, 0u);
}

TEST(SimulatedKernel, CountsFreesAlone) {
  const EventStream stream = saturated();
  SimulatedKernel kernel(stream);
  kernel.set_options({{1000, 1000, 500}, 1, 8192});
  const auto record = kernel.frees(5 * kMs, {2 * kMs, 1'000'000});
  EXPECT_EQ(record.kind, model::BurstKind::kFrees);
  EXPECT_EQ(record.counts.allocations, 0u);
  EXPECT_EQ(record.allocation_window.length_ns, 0u);
  EXPECT_NEAR(static_cast<double>(record.counts.frees), 2000, 4);
  EXPECT_NEAR(static_cast<double>(record.free_window.charge_ns), 1 * kMs, 4000);
}

TEST(SimulatedKernel, EndsAWindowAtItsHitLimit) {
  const EventStream stream = saturated();
  SimulatedKernel kernel(stream);
  kernel.set_options(free_of_charge());
  const auto record = kernel.rate(5 * kMs, {2 * kMs, 100});
  EXPECT_TRUE(record.allocation_window.ended_by_count);
  EXPECT_EQ(record.counts.allocations, 100u);
  EXPECT_EQ(record.allocation_window.length_ns, 99'000u);
}

TEST(SimulatedKernel, FollowsACohortToItsDeaths) {
  const EventStream stream = saturated();
  SimulatedKernel kernel(stream);
  kernel.set_options(free_of_charge());
  const auto record = kernel.cohort(5 * kMs, {kMs, 12 * kMs, 1'000'000});
  EXPECT_EQ(record.lifetimes.births, 1000u);
  EXPECT_EQ(record.lifetimes.died_ns.total(), 1000);
  EXPECT_TRUE(record.lifetimes.alive_ns.empty());
  EXPECT_EQ(record.frees_of_older, record.counts.frees + *record.frees_beside_allocations + 300 - 1000)
      << "300 frees fall between the windows";
}

TEST(SimulatedKernel, EndsACohortThatIsDearerThanPlanned) {
  const EventStream stream = saturated();
  SimulatedKernel kernel(stream);
  kernel.set_options({{1000, 1000, 1000}, 1, 8192});
  // A millisecond is the most within 5 ms: at the second one it is over.
  const auto record = kernel.cohort(5 * kMs, {2 * kMs, 12 * kMs, 1'000'000, kMs});
  EXPECT_TRUE(record.free_window.ended_by_count);
  EXPECT_NEAR(static_cast<double>(record.charge_ns), 2 * kMs, 4000);
}

TEST(SimulatedKernel, StretchesTheBirthsOfATargetThatIsLate) {
  const EventStream stream = saturated();
  SimulatedKernel kernel(stream);
  kernel.set_options({{1000, 1000, 0}, 1, 8192});
  const auto fixed = kernel.cohort(5 * kMs, {kMs, 12 * kMs, 1'000'000});
  const auto stretched = kernel.cohort(5 * kMs, {kMs, 12 * kMs, 1'000'000, 100 * kMs});
  EXPECT_NEAR(static_cast<double>(fixed.counts.allocations), 500, 4);
  // as the kernel's clock is looked at, to 20 us
  EXPECT_NEAR(static_cast<double>(stretched.counts.allocations), 1000, 20);
  EXPECT_NEAR(static_cast<double>(*stretched.allocation_window.late_ns), kMs, 20'000);
  EXPECT_EQ(stretched.lifetimes.followed_ns / kMs, fixed.lifetimes.followed_ns / kMs) << "from the end of the births";
}

TEST(SimulatedKernel, TakesTheChargeOutOfAges) {
  const EventStream stream = saturated();
  SimulatedKernel kernel(stream);
  kernel.set_options({{1000, 1000, 1000}, 1, 8192});
  const auto record = kernel.cohort(5 * kMs, {kMs, 12 * kMs, 1'000'000});
  ASSERT_FALSE(record.lifetimes.died_ns.empty());
  for (const auto& [bucket, weight] : record.lifetimes.died_ns.buckets()) {
    EXPECT_NEAR(static_cast<double>(ps_log_linear_lower(bucket)), 10'500, 1500);
  }
}

TEST(SimulatedKernel, DropsBirthsThatDoNotFit) {
  const EventStream stream = saturated();
  SimulatedKernel kernel(stream);
  kernel.set_options({{0, 0, 0}, 1, 5});
  const auto record = kernel.cohort(5 * kMs, {kMs, 12 * kMs, 1'000'000});
  EXPECT_GT(record.dropped.at("births_full"), 0u);
  EXPECT_EQ(record.lifetimes.births, 1000u);
}

TEST(SimulatedKernel, TellsTheCpuTimeThatNobodyWatched) {
  EventStream stream;
  stream.wait_ns = 10'000;
  stream.add_allocation(kMs, 0, 8);
  stream.add_allocation(kMs + 5000, 0, 8);
  stream.add_allocation(3 * kMs, 0, 8);
  SimulatedKernel kernel(stream);
  EXPECT_EQ(kernel.cpu_ns(0, 2 * kMs), 15'000u);
  EXPECT_EQ(kernel.cpu_ns(0, 4 * kMs), 25'000u);
  EXPECT_EQ(kernel.cpu_ns(kMs + 5000, kMs + 7000), 2000u);
}

}  // namespace
}  // namespace poolscope::truth
