#pragma once
// What `attach --plan` says of the rate now: from a few first bursts, which are as short as those that a watch begins with.

#include <string>

#include "agent/budget/burst_plan.h"
#include "agent/config/config.h"
#include "agent/sampler/watched_process.h"

namespace poolscope::cli {

// Fewest of them are enough where they find the process running, unless probes took most of one.
inline constexpr unsigned kFewestLooks = 2, kFirstLooks = 5;

// Rate, levels that are possible at this rate, and what they cost. `watched` is prepared and has a plan for its allocator.
[[nodiscard]] std::string first_look_text(sampler::Probing& probing, sampler::WatchedProcess& watched,
                                          const budget::BurstPrices& prices, const budget::BurstBudget& budget,
                                          double cpu_ratio);

}  // namespace poolscope::cli
