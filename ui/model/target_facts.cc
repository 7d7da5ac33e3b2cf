#include "ui/model/target_facts.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "exporters/text/line.h"

namespace poolscope::viewer {

const model::TargetSnapshot* chosen_target(const ViewerState& state) {
  if (state.shown() == nullptr || state.shown()->targets.empty()) return nullptr;
  const auto* chosen = find_target(*state.shown(), state.selected.target);
  return chosen != nullptr ? chosen : &state.shown()->targets.front();
}

void choose_next_target(ViewerState& state, int steps) {
  const auto* chosen = chosen_target(state);
  if (chosen == nullptr) return;
  const auto& targets = state.shown()->targets;
  const auto count = static_cast<std::ptrdiff_t>(targets.size());
  const std::ptrdiff_t next = ((chosen - targets.data() + steps) % count + count) % count;
  state.selected = {targets[static_cast<std::size_t>(next)].name, ""};
}

std::string why_not_measured(const model::TargetSnapshot& target, const std::string& collector) {
  const auto found = std::ranges::find(target.collectors, collector, &model::CollectorStatus::name);
  if (found == target.collectors.end()) return "not measured: no collector " + collector + " works for this target";
  std::string text = "not measured: " + collector + " is " + model::state_name(found->state);
  const std::string note = text::printable(text::collector_note(target, *found));
  return note.empty() ? text : text + ": " + note;
}

std::vector<Fact> facts_of(const std::vector<text::Quantity>& quantities) {
  std::vector<Fact> facts;
  for (const text::Quantity& quantity : quantities) {
    Fact fact{quantity.name, {quantity.value, "", {}, Tone::kPlain}, quantity.interval};
    std::string& tooltip = fact.value.tooltip;
    for (const std::string* part : {&quantity.value, &quantity.interval, &quantity.note})
      if (!part->empty()) tooltip += (tooltip.empty() ? "" : "\n") + *part;
    if (fact.note.empty()) fact.note = quantity.note;
    if (quantity.value.empty()) {
      fact.value.text = "–";
      fact.value.tone = Tone::kDim;
      constexpr std::string_view kPrefix = "not measured: ";  // which the dash says
      if (fact.note.starts_with(kPrefix)) fact.note.erase(0, kPrefix.size());
    }
    facts.push_back(std::move(fact));
  }
  return facts;
}

Fact fact_of(std::string name, Cell value, std::string note) {
  if (!note.empty()) value.tooltip += (value.tooltip.empty() ? "" : "\n") + note;
  return {std::move(name), std::move(value), std::move(note)};
}

Series spaced(const Series& totals) {
  constexpr std::uint64_t kLeastNs = 5'000'000'000;
  Series kept;
  for (const Sample& sample : totals.samples)
    if (sample.begins || kept.empty() || sample.unix_ns - kept.samples.back().unix_ns >= kLeastNs)
      kept.samples.push_back(sample);
  return kept;
}

std::string UniqueIds::operator()(const std::string& name) {
  const unsigned count = ++seen_[name];
  return count == 1 ? name : name + " #" + std::to_string(count);
}

}  // namespace poolscope::viewer
