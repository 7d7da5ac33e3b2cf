#pragma once
// The series of the pools of one target, in the order of docs/reference/metrics.md. Only the files of this folder include it.

#include "exporters/model/snapshot.h"
#include "exporters/prometheus/family_table.h"

namespace poolscope::prometheus_text {

// The pools with the most gets per second, and the rates of the rest as one more pool, "other".
// `with_estimates` is false when they are too old to be shown.
void add_pools(FamilyTable& table, const model::TargetSnapshot& target, bool with_estimates);

}  // namespace poolscope::prometheus_text
