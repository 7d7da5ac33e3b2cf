// The whole way from a simulated target through the sampling design to the interval, many times over with fixed seeds.
// Each probed event costs CPU time inside the window, as on a real target; what a naive count would say stands beside.

#include <cmath>
#include <functional>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "poolscope/log_linear.h"
#include "tests/unit/estimate/make_records.h"

namespace poolscope::estimate::testing {
namespace {

using Random = std::mt19937_64;
constexpr double kCostPerHitSeconds = 0.5e-6;

struct Design {
  double window_seconds = 0.002;
  std::uint64_t hit_limit = 1'000'000;
  double stratum_seconds = 2;
};

// A process that is busy all the time makes `per_cpu_second` events while it works.
model::BurstRecord saturated_window(Random& random, unsigned at, double per_cpu_second, const Design& design) {
  std::exponential_distribution<double> gap(per_cpu_second);
  double cpu_seconds = 0;
  std::uint64_t events = 0;
  while (events < design.hit_limit) {
    const double next = cpu_seconds + gap(random);
    if (next > design.window_seconds) break;
    cpu_seconds = next + kCostPerHitSeconds;
    ++events;
  }
  const bool ended_by_count = events == design.hit_limit;
  if (!ended_by_count) cpu_seconds = std::max(cpu_seconds, design.window_seconds);
  auto record = rate_burst(at, events);
  record.allocation_window.length_ns = record.allocation_window.cpu_ns = static_cast<std::uint64_t>(cpu_seconds * 1e9);
  record.allocation_window.ended_by_count = ended_by_count;
  record.allocation_window.charge_ns = record.charge_ns =
      static_cast<std::uint64_t>(static_cast<double>(events) * kCostPerHitSeconds * 1e9);
  return record;
}

struct Outcome {
  double mean_error = 0;        // of the estimate, relative
  double naive_mean_error = 0;  // of events over window time
  double coverage = 0;          // share of intervals that hold the truth
};

struct Observation {
  std::vector<model::BurstRecord> bursts;
  std::vector<model::StratumRecord> strata;
};

Outcome replicate(unsigned replications, double truth, const std::function<Observation(Random&)>& observe) {
  Random random(2024);
  Outcome outcome;
  for (unsigned i = 0; i < replications; ++i) {
    const Observation seen = observe(random);
    const auto rate = *summarize_all(seen.bursts, seen.strata).allocations.per_second;
    double events = 0, seconds = 0;
    for (const auto& burst : seen.bursts) {
      events += static_cast<double>(burst.counts.allocations);
      seconds += static_cast<double>(burst.allocation_window.length_ns) / 1e9;
    }
    outcome.mean_error += (rate.value / truth - 1) / replications;
    outcome.naive_mean_error += (events / seconds / truth - 1) / replications;
    if (rate.low && *rate.low <= truth && truth <= *rate.high) outcome.coverage += 1.0 / replications;
  }
  ::testing::Test::RecordProperty("mean_error", std::to_string(outcome.mean_error));
  ::testing::Test::RecordProperty("naive_mean_error", std::to_string(outcome.naive_mean_error));
  ::testing::Test::RecordProperty("coverage", std::to_string(outcome.coverage));
  return outcome;
}

TEST(Simulation, SteadyTargetIsEstimatedWithoutBiasAndIntervalsHold) {
  const Outcome outcome = replicate(300, 500'000, [](Random& random) {
    Observation seen;
    for (unsigned i = 0; i < 24; ++i) {
      seen.bursts.push_back(saturated_window(random, i, 500'000, {}));
      seen.strata.push_back(stratum(2, 2));
    }
    return seen;
  });
  EXPECT_LT(std::abs(outcome.mean_error), 0.02);
  EXPECT_GE(outcome.coverage, 0.90);
  EXPECT_LT(outcome.naive_mean_error, -0.10);
}

TEST(Simulation, TwoRegimesAreEstimatedWithoutBiasAndIntervalsHold) {
  const Outcome outcome = replicate(1500, 550'000, [](Random& random) {
    Observation seen;
    for (unsigned i = 0; i < 24; ++i) {
      const double per_cpu_second = std::bernoulli_distribution(0.5)(random) ? 1'000'000 : 100'000;
      seen.bursts.push_back(saturated_window(random, i, per_cpu_second, {}));
      seen.strata.push_back(stratum(2, 2));
    }
    return seen;
  });
  EXPECT_LT(std::abs(outcome.mean_error), 0.02);
  EXPECT_GE(outcome.coverage, 0.90);
  EXPECT_LT(outcome.naive_mean_error, -0.10);
}

TEST(Simulation, WindowsEndedByCountAreNotBiased) {
  const Design design{.window_seconds = 0.1, .hit_limit = 20};
  const Outcome outcome = replicate(300, 550'000, [&](Random& random) {
    Observation seen;
    for (unsigned i = 0; i < 40; ++i) {
      seen.bursts.push_back(saturated_window(random, i, i % 2 ? 1'000'000 : 100'000, design));
      seen.strata.push_back(stratum(2, 2));
    }
    return seen;
  });
  EXPECT_LT(std::abs(outcome.mean_error), 0.02);
  EXPECT_GE(outcome.coverage, 0.90);
  EXPECT_LT(outcome.naive_mean_error, -0.10);
}

// Idle most of the time, requests come in from outside: a window sees few of them or none.
TEST(Simulation, MostlyIdleTargetIsEstimatedWithoutBias) {
  constexpr double kRequestsPerSecond = 500, kCpuSecondsPerRequest = 0.0002, kEventsPerRequest = 100;
  const Outcome outcome = replicate(300, kRequestsPerSecond * kEventsPerRequest, [&](Random& random) {
    Observation seen;
    for (unsigned i = 0; i < 60; ++i) {
      const Design design;
      const double requests = std::poisson_distribution<unsigned>(kRequestsPerSecond * design.window_seconds)(random);
      const unsigned events =
          requests > 0 ? std::poisson_distribution<unsigned>(requests * kEventsPerRequest)(random) : 0;
      auto burst = rate_burst(i, events);
      const double charge = static_cast<double>(burst.counts.allocations) * kCostPerHitSeconds;
      burst.allocation_window.length_ns = static_cast<std::uint64_t>(design.window_seconds * 1e9);
      burst.allocation_window.cpu_ns = static_cast<std::uint64_t>((requests * kCpuSecondsPerRequest + charge) * 1e9);
      burst.allocation_window.charge_ns = burst.charge_ns = static_cast<std::uint64_t>(charge * 1e9);
      seen.bursts.push_back(std::move(burst));
      seen.strata.push_back(stratum(2 * kRequestsPerSecond * kCpuSecondsPerRequest + charge, 2));
    }
    return seen;
  });
  EXPECT_LT(std::abs(outcome.mean_error), 0.02);
  EXPECT_GE(outcome.coverage, 0.90);
}

// Two processes, drawn in proportion to their CPU time. One ratio over both would count the busy one twice.
TEST(Simulation, ProcessesThatDifferAreEstimatedWithoutBias) {
  constexpr double kBusyCpu = 1.0, kQuietCpu = 0.25, kBusyPerCpu = 600'000, kQuietPerCpu = 100'000;
  constexpr unsigned kReplications = 300;
  double one_ratio_error = 0;
  const double truth = kBusyCpu * kBusyPerCpu + kQuietCpu * kQuietPerCpu;
  const Outcome outcome = replicate(kReplications, truth, [&](Random& random) {
    Observation seen;
    double density = 0, cpu_density = 0;
    for (unsigned i = 0; i < 80; ++i) {
      const bool busy = std::bernoulli_distribution(kBusyCpu / (kBusyCpu + kQuietCpu))(random);
      auto burst = saturated_window(random, i, busy ? kBusyPerCpu : kQuietPerCpu, {});
      burst.process.pid = busy ? 1 : 2;
      if (!busy) burst.allocation_window.length_ns *= 4;  // three quarters of the time it waits
      const auto& window = burst.allocation_window;
      density += static_cast<double>(burst.counts.allocations) / static_cast<double>(window.length_ns);
      cpu_density += static_cast<double>(window.cpu_ns - window.charge_ns) / static_cast<double>(window.length_ns);
      seen.bursts.push_back(std::move(burst));
      seen.strata.push_back(stratum(2 * (kBusyCpu + kQuietCpu), 2));
    }
    one_ratio_error += (density / cpu_density * 1e9 * (kBusyCpu + kQuietCpu) / truth - 1) / kReplications;
    return seen;
  });
  EXPECT_LT(std::abs(outcome.mean_error), 0.02);
  EXPECT_GE(outcome.coverage, 0.90);
  EXPECT_GT(one_ratio_error, 0.05);
}

// Most objects die within a millisecond or so, a fifth lives for about a second; the mix differs from cohort to cohort.
struct Lives {
  double short_share, short_seconds = 0.001, long_seconds = 1;
  [[nodiscard]] double died_by(double age) const {
    return short_share * (1 - std::exp(-age / short_seconds)) + (1 - short_share) * (1 - std::exp(-age / long_seconds));
  }
};

model::BurstRecord simulated_cohort(Random& random, unsigned at, const Lives& lives, double followed_seconds) {
  constexpr unsigned kBirths = 200;
  constexpr double kBirthWindowSeconds = 0.002;
  std::vector<std::uint64_t> died_ns, alive_ns;
  for (unsigned i = 0; i < kBirths; ++i) {
    const double born = std::uniform_real_distribution<double>(0, kBirthWindowSeconds)(random);
    const bool is_short = std::bernoulli_distribution(lives.short_share)(random);
    const double life =
        std::exponential_distribution<double>(1 / (is_short ? lives.short_seconds : lives.long_seconds))(random);
    const double seen = followed_seconds - born;
    (life <= seen ? died_ns : alive_ns).push_back(static_cast<std::uint64_t>(std::min(life, seen) * 1e9));
  }
  return cohort(at, died_ns, alive_ns, static_cast<std::uint64_t>(followed_seconds * 1e9));
}

TEST(Simulation, LifetimesAreUnbiasedWhereCompletedObjectsAloneAreFarOff) {
  const double truth = Lives{0.8}.died_by(0.01);
  Random random(7);
  double error = 0, completed_error = 0, coverage = 0;
  constexpr unsigned kRuns = 100;
  for (unsigned run = 0; run < kRuns; ++run) {
    std::vector<model::BurstRecord> cohorts;
    double died = 0, died_early = 0;
    for (unsigned i = 0; i < 24; ++i) {
      const double short_share = std::bernoulli_distribution(0.5)(random) ? 0.9 : 0.7;
      cohorts.push_back(simulated_cohort(random, i, {short_share}, i % 2 ? 0.05 : 0.011));
      died += cohorts.back().lifetimes.died_ns.total();
      for (const auto& [bucket, weight] : cohorts.back().lifetimes.died_ns.buckets()) {
        if (ps_log_linear_upper(bucket) <= 10 * kMillisecondNs) died_early += weight;
      }
    }
    const auto share = summarize_all(cohorts, {stratum(1)}).allocations.lifetime->below.at(0.01);
    error += (share.value - truth) / kRuns;
    completed_error += (died_early / died - truth) / kRuns;
    if (*share.low <= truth && truth <= *share.high) coverage += 1.0 / kRuns;
  }
  RecordProperty("mean_error", std::to_string(error));
  RecordProperty("completed_only_error", std::to_string(completed_error));
  RecordProperty("coverage", std::to_string(coverage));
  EXPECT_LT(std::abs(error), 0.01);
  EXPECT_GT(completed_error, 0.10);
  EXPECT_GE(coverage, 0.88);
}

}  // namespace
}  // namespace poolscope::estimate::testing
