#include "ui/draw/target_bar.h"

#include <algorithm>
#include <string>

#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "ui/draw/draw_text.h"
#include "ui/model/target_facts.h"

namespace poolscope::viewer {
namespace {

constexpr float kNameWidth = 220;

void take_target_keys(Frame& frame) {
  const ImGuiIO& io = ImGui::GetIO();
  if (io.WantTextInput) return;
  for (const ImWchar character : io.InputQueueCharacters) {
    if (character == ',') choose_next_target(frame.state, -1);
    if (character == '.') choose_next_target(frame.state, 1);
  }
}

void draw_target_list(Frame& frame, std::string_view view, const model::TargetSnapshot& chosen) {
  const std::string label = text::printable(chosen.name), name = std::string(view) + ".target";
  ImGui::SetNextItemWidth(std::min(frame.px(kNameWidth), ImGui::GetContentRegionAvail().x / 2));
  const bool is_open = ImGui::BeginCombo("##target", label.c_str());
  frame.widgets.note(name, label);
  if (!is_open) return;
  const auto& targets = frame.state.shown()->targets;
  ImGuiListClipper clipper;
  clipper.Begin(static_cast<int>(targets.size()));
  while (clipper.Step()) {
    for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i) {
      const auto& target = targets[static_cast<std::size_t>(i)];
      const std::string shown = text::printable(target.name);
      ImGui::PushID(i);
      if (ImGui::Selectable(shown.c_str(), &target == &chosen)) frame.state.selected = {target.name, ""};
      ImGui::PopID();
      frame.widgets.note(name + "." + shown, shown);
    }
  }
  ImGui::EndCombo();
}

}  // namespace

const model::TargetSnapshot* draw_target_bar(Frame& frame, std::string_view view) {
  take_target_keys(frame);
  const auto* chosen = chosen_target(frame.state);
  if (chosen == nullptr) {
    wrapped_item(frame.state.shown() == nullptr
                     ? "No data yet."
                     : "Nothing is watched: start `poolscope agent --target NAME`, or open a recording.",
                 frame.theme.dim);
    return nullptr;
  }
  draw_target_list(frame, view, *chosen);
  ImGui::SameLine(0, frame.px(10));
  ImGui::AlignTextToFramePadding();
  std::string identity = text::identity(*chosen);
  const std::size_t count = frame.state.shown()->targets.size();
  if (count > 1) identity += "   (one of " + text::format_exact(count) + " targets; keys , and .)";
  text_item(identity, frame.theme.dim);
  return chosen_target(frame.state);
}

}  // namespace poolscope::viewer
