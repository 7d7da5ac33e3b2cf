#include "exporters/model/snapshot.h"

#include <algorithm>

namespace poolscope::model {

bool allocations_were_watched(const TargetSnapshot& target) {
  if (target.allocations.counted != Counted{}) return true;
  if (!target.exact && !(target.cost.window_seconds > 0)) return false;
  const bool only_pools_were_seen = target.runtime == "go" || target.gc || !target.pools.empty();
  return !only_pools_were_seen || std::ranges::any_of(target.collectors, [](const CollectorStatus& collector) {
    return collector.name == "alloc_bursts" && collector.state != CollectorState::kUnavailable;
  });
}

}  // namespace poolscope::model
