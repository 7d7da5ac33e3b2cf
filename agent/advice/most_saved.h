#pragma once
// No more can be saved than what is spent: the share of the CPU time that goes to memory (TargetSnapshot::cpu_share) bounds the advice that
// would save allocations, copies and collections.

#include <vector>

#include "agent/advice/advise.h"
#include "exporters/model/snapshot.h"

namespace poolscope::advice {

// Lowers what `advices` promise to the upper end of that share, and says so; what is not worth its trouble then is taken out. Untouched is
// what saves something else: the gets and puts of a pool that is dropped, memory, what a pool saves already. Nothing changes where the
// share is not known.
void bound_by_cpu_share(const model::TargetSnapshot& target, const AdviceOptions& options,
                        std::vector<model::Advice>& advices);

}  // namespace poolscope::advice
