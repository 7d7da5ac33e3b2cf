#pragma once
// Sums that are kept for the life of a target, as a record, so that who has only the last records of a target knows them too.

#include "agent/estimate/published_pools.h"
#include "exporters/model/target_record.h"

namespace poolscope::estimate {

[[nodiscard]] model::CarriedTotals carry(std::uint64_t at_ns, const model::GcCounters& gc,
                                         const PublishedTotals& published);
// What was carried.
[[nodiscard]] PublishedTotals published_of(const model::CarriedTotals& totals);
// Nothing was counted so far.
[[nodiscard]] bool is_empty(const model::CarriedTotals& totals);

}  // namespace poolscope::estimate
