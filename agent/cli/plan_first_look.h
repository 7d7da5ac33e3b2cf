#pragma once
// What `attach --plan` says of the rate now: from a few first bursts, which are as short as those that a watch begins with.

#include <string>

#include "agent/budget/burst_plan.h"
#include "agent/config/config.h"
#include "agent/sampler/watched_process.h"

namespace poolscope::cli {

// At most; the first one that finds the process running is enough, unless probes took most of it.
inline constexpr unsigned kFirstLooks = 5;

// Rate, levels that are possible at this rate, and what they cost. `watched` is prepared and has a plan for its allocator.
[[nodiscard]] std::string first_look_text(sampler::Probing& probing, sampler::WatchedProcess& watched,
                                          const budget::BurstPrices& prices, const budget::BurstBudget& budget,
                                          double cpu_ratio);

}  // namespace poolscope::cli
