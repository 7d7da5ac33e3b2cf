#pragma once
// The series of the advice for pools of one target, in the order of docs/reference/metrics.md. Only the files of this folder include it.

#include "exporters/model/snapshot.h"
#include "exporters/prometheus/family_table.h"

namespace poolscope::prometheus_text {

// Advice for call sites is left out: they are no labels. At most 100 per target, in their order.
void add_advice(FamilyTable& table, const model::TargetSnapshot& target);

}  // namespace poolscope::prometheus_text
