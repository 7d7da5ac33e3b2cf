#pragma once
// summarize_target(): all that a snapshot says of one target, from its records, its sums and what is known of it. A live agent, the range of
// its HTTP interface and recordings all end here.

#include <span>

#include "agent/estimate/published_pools.h"
#include "agent/estimate/summarize.h"
#include "exporters/model/gc_record.h"
#include "exporters/model/pool_page_record.h"
#include "exporters/model/target_record.h"

namespace poolscope::estimate {

struct TargetView {
  const model::TargetStatus& status;
  TargetRecords records;  // `running` and `is_go` are those of the status
  std::span<const model::PoolPageRecord> pages;
  // Of every record the target ever had, not only of those above.
  const model::GcCounters& gc_total;
  const PublishedTotals& published;
};

[[nodiscard]] model::TargetSnapshot summarize_target(const TargetView& view);

}  // namespace poolscope::estimate
