#pragma once
// `attach --plan` and `doctor`: what would be probed in a process and what it would cost, as text.

#include <string>

#include "agent/config/config.h"
#include "agent/sampler/probing.h"
#include "agent/targets/target_set.h"

namespace poolscope::cli {

// The functions and probe points of every process of the target (of one of each kind of executable), prices, and what
// bursts at several allocation rates would cost under this budget. Nothing is probed.
[[nodiscard]] std::string plan_text(sampler::Probing& probing, const targets::TargetState& state,
                                    const config::BudgetConfig& budget);

// What a probe at an instruction of this class costs.
[[nodiscard]] const char* cost_words(elf::CostClass cost);

// Price of each kind of probe, as calibrated on this machine.
[[nodiscard]] std::string price_text(const probes::Calibration& calibration);

}  // namespace poolscope::cli
