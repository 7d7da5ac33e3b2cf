#pragma once
// What `attach --plan` and `doctor` say of a Go program: which of its collectors will collect, where they would probe, how often such a
// probe is hit, as far as the program's own counters tell.

#include <memory>
#include <string>

#include "agent/config/config.h"
#include "agent/sampler/probing.h"
#include "exporters/model/record.h"
#include "probes/collectors/go_executable.h"

namespace poolscope::cli {

// `executable` is that of the process. Nothing is probed; memory of the process is read.
[[nodiscard]] std::string go_plan_text(sampler::Probing& probing, const model::ProcessKey& process,
                                       const std::shared_ptr<const probes::GoExecutable>& executable,
                                       const config::BudgetConfig& budget);

}  // namespace poolscope::cli
