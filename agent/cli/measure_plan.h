#pragma once
// `attach --plan` and `doctor`: what would be probed in a process and what it would cost, as text.

#include <optional>
#include <string>

#include "agent/budget/burst_plan.h"
#include "agent/config/config.h"
#include "agent/sampler/probing.h"
#include "agent/targets/target_set.h"

namespace poolscope::cli {

// Which collectors will collect, the functions and probe points of every process of the target (of one of each kind of executable),
// and what bursts at several rates would cost under this budget. With kFirstLook, a native process is probed for a moment, to tell its
// rate now (plan_first_look.h); else nothing is probed.
enum class PlanWith { kNoProbes, kFirstLook };
[[nodiscard]] std::string plan_text(sampler::Probing& probing, const targets::TargetState& state,
                                    const config::BudgetConfig& budget, PlanWith with);

// What each collector gives.
inline constexpr const char* kAllocationsGive = "allocation rate, sizes, call sites (L2)";
inline constexpr const char* kCohortsGive = "frees, lifetimes, churn, growth chains (L2)";
inline constexpr const char* kPoolsGive = "every sync.Pool of a Go program: gets, misses, puts, sizes (L1, L2)";
inline constexpr const char* kRuntimeGives = "allocations and garbage collections of a Go program (L0)";
inline constexpr const char* kGrowthGives =
    "slices that append makes grow in a Go program: sizes, steps, copied bytes, who appends (L2)";
inline constexpr const char* kCpuShareGives =
    "share of the CPU time in allocating, copying, page faults and garbage collection (L1)";

struct CollectorLine {
  const char* name;
  const char* gives;
  std::optional<std::string> why_not;
};
// "  go_pools       WILL NOT COLLECT  every sync.Pool", and below it the reason.
[[nodiscard]] std::string collector_line(const CollectorLine& line);

// How long a burst would last and how much it would slow the target, at several rates of what `events` says.
[[nodiscard]] std::string burst_lines(const std::string& events, const budget::BurstPrices& prices,
                                      const config::BudgetConfig& budget);

// What a probe at an instruction of this class costs.
[[nodiscard]] const char* cost_words(elf::CostClass cost);

// Price of each kind of probe, as calibrated on this machine.
[[nodiscard]] std::string price_text(sampler::Probing& probing);

}  // namespace poolscope::cli
