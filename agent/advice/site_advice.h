#pragma once
// Advice for places in the code that have no pool: buffers that grow step by step, and objects that are made and thrown away.

#include <vector>

#include "agent/advice/advise.h"

namespace poolscope::advice {

// "reserve 8 KiB here". Growth chains only; each names its final sizes.
[[nodiscard]] std::vector<model::Advice> reservations(const model::TargetSnapshot& target, const sizing::Prices& prices,
                                                      const AdviceOptions& options);
// "adopt a pool here".
[[nodiscard]] std::vector<model::Advice> adoptions(const model::TargetSnapshot& target, const sizing::Prices& prices,
                                                   const AdviceOptions& options);

}  // namespace poolscope::advice
