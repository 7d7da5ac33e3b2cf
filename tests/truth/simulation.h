#pragma once
// Many observations of one recorded stream, each with other random moments: how far the estimates are off on average, and how often
// their 95 % intervals hold the truth. The estimates come from agent/estimate, as a live agent's do.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/truth/sampling_design.h"

namespace poolscope::truth {

struct Cell {
  std::string figure;  // "allocations/s", "p95 size", "F(10 ms)", ...
  double truth = 0;
  double bias =
      0;  // mean of the estimates: of rates over the truth - 1, of shares and quantiles minus the truth, see below
  double coverage = 0;     // share of the intervals that hold the truth
  double half_width = 0;   // median of the intervals, as the bias
  unsigned estimates = 0;  // replays that gave a value
  unsigned intervals = 0;  // and that gave an interval
};
// Bias and half-width of a share are in parts of 1; of a quantile of sizes they are over the truth, as of a rate.

// What comes before `skip_ns` is left out: how a program starts.
[[nodiscard]] std::vector<Cell> simulate(const EventStream& stream, const Design& design, unsigned replays,
                                         std::uint64_t seed, std::uint64_t skip_ns = 0);

}  // namespace poolscope::truth
