#pragma once
// One observation of a recorded process: what agent/sampler/target_monitor.h would have done, on a simulated kernel. Strata with a
// burst at a random moment in each, planned by agent/budget, rate bursts and cohorts in turn.

#include <cstdint>
#include <random>
#include <vector>

#include "exporters/model/record.h"
#include "tests/truth/simulated_kernel.h"
#include "tests/truth/truth.h"

namespace poolscope::truth {

struct Design {
  double cpu_ratio = 0.01;
  budget::BurstBudget burst;  // caps; tokens are kept by the observation
  std::uint64_t stratum_ns = 400'000'000;
  double price_error = 0.2;  // standard deviation of what hits take over what they are charged at
  std::size_t max_births = 8192;
  bool has_io_calls = false;
};

struct Observation {
  std::vector<model::BurstRecord> bursts;
  std::vector<model::StratumRecord> strata;
};

[[nodiscard]] Observation observe(SimulatedKernel& kernel, const Design& design, Range range, std::mt19937_64& random);

}  // namespace poolscope::truth
