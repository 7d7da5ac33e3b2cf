#pragma once
// From what the BPF maps hold to the parts of a record: pure conversions, symbols looked up in the process image.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "exporters/model/record.h"
#include "probes/collectors/alloc_programs.h"
#include "probes/collectors/process_image.h"

namespace poolscope::probes {

using HitPrices = std::array<std::uint64_t, ALLOC_HIT_COUNT>;

// CPU time that hits took, at these prices.
[[nodiscard]] std::uint64_t charge_ns(const __u64 (&hits)[ALLOC_HIT_COUNT], const HitPrices& prices);
[[nodiscard]] std::uint64_t sum_of(const __u64 (&hits)[ALLOC_HIT_COUNT]);
// Difference of two readings of the same sums.
[[nodiscard]] alloc_counts minus(const alloc_counts& later, const alloc_counts& earlier);

[[nodiscard]] model::Histogram size_histogram(const alloc_counts& counts);
// Ages of what is alive at the end are shortened by what our probes took from the thread meanwhile, as the ages of what has died are.
[[nodiscard]] model::Lifetimes lifetimes(const AllocResults& results, std::uint64_t end_ns);
// The age up to which the objects of a cohort were followed, when births ended at `births_end_ns`: that of the youngest that is alive.
[[nodiscard]] std::uint64_t followed_ns(const AllocResults& results, std::uint64_t births_end_ns, std::uint64_t end_ns);
[[nodiscard]] std::map<std::string, std::uint64_t> dropped_by_reason(const alloc_counts& counts);
// Of the process of `image` only.
[[nodiscard]] std::vector<model::CallSiteCounts> call_sites(const AllocResults& results, ProcessImage& image);
[[nodiscard]] std::vector<model::GrowthChainCounts> growth_chains(const AllocResults& results, ProcessImage& image);

}  // namespace poolscope::probes
