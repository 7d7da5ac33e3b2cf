#include "ui/model/asked.h"

#include <cmath>

#include "exporters/text/advice_wording.h"

namespace poolscope::viewer {

using model::TargetSnapshot;
using model::Verdict;

Tone tone_of(const model::Advice& advice) {
  switch (advice.verdict) {
    case Verdict::kFix:
      return Tone::kBad;
    case Verdict::kKeep:
      return Tone::kGood;
    case Verdict::kWait:
      return Tone::kDim;
    default:
      return Tone::kWarning;
  }
}

std::vector<Asked> what_is_asked(const TargetSnapshot& target) {
  std::vector<Asked> asked;
  for (const model::Advice& advice : target.advice)
    if (text::asks_for_something(advice)) asked.push_back({&target, &advice, saved_cores(target, advice)});
  return asked;
}

double saved_cores(const TargetSnapshot& target, const model::Advice& advice) {
  if (!text::asks_for_something(advice) || !advice.saved_cpu_ratio) return 0;
  const double cores = advice.saved_cpu_ratio->value * target.cpu_seconds_per_second.value_or(0);
  return std::isfinite(cores) ? cores : 0;
}

const TargetSnapshot* advised_target(const ViewerState& state, const std::string& name) {
  for (const auto* snapshot : {state.shown(), state.latest()}) {
    const auto* target = snapshot != nullptr ? find_target(*snapshot, name) : nullptr;
    if (target != nullptr && !target->advice.empty()) return target;
  }
  return nullptr;
}

}  // namespace poolscope::viewer
