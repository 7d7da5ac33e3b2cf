#pragma once
// The view of garbage collection: cycles, pauses, heap against goal, CPU time. A pure function of the state.
//   Counters  cycles and pauses are counted since the process began, so what is drawn of them is what was added between steps of the history.

#include <string>
#include <vector>

#include "ui/model/plots.h"
#include "ui/model/target_facts.h"
#include "ui/model/viewer_state.h"

namespace poolscope::viewer {

struct Gc {
  std::string absent;  // why there is nothing at all; empty: there is
  std::vector<Fact> facts;
  TimePlot cycles, pauses, heap, cpu, allocated, garbage;
  ShareBars sizes;
};

[[nodiscard]] Gc make_gc(const ViewerState& state);
// While no view has chosen a target, chooses the first one that collects garbage, for the other views, too.
void prefer_target_with_gc(ViewerState& state);

}  // namespace poolscope::viewer
