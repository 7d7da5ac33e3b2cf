#pragma once
// Buffers that grew by realloc and were freed while a cohort followed them, merged by chain of callers.
//   Rate      a chain is only seen when its first allocation was a birth of the cohort: chains per birth times
//             allocations per second, both from the cohorts. With every call admitted this is chains over birth windows.
//   Means     chains that ended within followed_ns. Longer ones are not seen, so the rate is a lower bound for all.
//   Inferred  single growths are seen wherever in a chain they are, so no chain has to begin and end in a cohort: over all of them, a size to
//             which more blocks grew than from it is where buffers end. Chains per second: growths per second over growths per chain.
//   Callers   records that followed them less far than the last ones do not count: one place would have two names.
//   Absent    the rates, when the cohorts had no births.
//   Go        bursts on runtime.growslice see every growth of a window: chains that begin in it over the window. A chain that
//             reaches beyond its window counts in the part that was seen, so chains that last about as long as a window look shorter
//             and more frequent than they are.
//   Bounded   the kLargestGrowthChains most frequent.

#include <vector>

#include "agent/estimate/sample.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

inline constexpr std::size_t kLargestGrowthChains = 50;

// Most chains first.
[[nodiscard]] std::vector<model::GrowthChain> estimate_growth_chains(const RecordList& records, const Basis& basis);
// Of Go: records whose windows hold growths and nothing else; all of them traced every event, or none.
[[nodiscard]] std::vector<model::GrowthChain> estimate_slice_growth(const RecordList& records, const Basis& basis);

}  // namespace poolscope::estimate
