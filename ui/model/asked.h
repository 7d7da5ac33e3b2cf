#pragma once
// Advice that asks for something, and what it saves. Pure.

#include <string>
#include <vector>

#include "exporters/model/snapshot.h"
#include "ui/model/table.h"
#include "ui/model/viewer_state.h"

namespace poolscope::viewer {

// One advice, before its words are made.
struct Asked {
  const model::TargetSnapshot* target = nullptr;
  const model::Advice* advice = nullptr;
  double saved_cores = 0;
};
[[nodiscard]] std::vector<Asked> what_is_asked(const model::TargetSnapshot& target);
[[nodiscard]] Tone tone_of(const model::Advice& advice);

// In cores: what the advice on a pool or a call site saves; 0 where none is given, or it asks for nothing.
[[nodiscard]] double saved_cores(const model::TargetSnapshot& target, const model::Advice& advice);
// The advice of the newest snapshot holds for what is there now; a range has its own where it was asked for.
[[nodiscard]] const model::TargetSnapshot* advised_target(const ViewerState& state, const std::string& name);

}  // namespace poolscope::viewer
