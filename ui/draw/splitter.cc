#include "ui/draw/splitter.h"

#include <algorithm>
#include <cmath>

#include "ui/draw/keys.h"

namespace poolscope::viewer {
namespace {

constexpr float kGap = 14, kLeastShare = 0.2F, kStep = 0.03F;

// What the keys of this frame add to the left part.
float step_of_keys() {
  return (is_typed('}') ? kStep : 0) - (is_typed('{') ? kStep : 0);
}

}  // namespace

Split split_in_two(const Frame& frame, std::string_view name, float at_first) {
  Split split;
  split.gap = frame.px(kGap);
  split.room = std::max(ImGui::GetContentRegionAvail().x, split.gap + 2);
  const auto kept = frame.layout.left_shares.find(std::string(name));
  const float wanted = kept != frame.layout.left_shares.end() ? kept->second * split.room : at_first;
  split.left = std::clamp(wanted, split.room * kLeastShare, split.room * (1 - kLeastShare) - split.gap);
  return split;
}

void draw_splitter(Frame& frame, std::string_view name, const Split& split, float height) {
  const std::string key(name);
  ImGui::SameLine(0, 0);
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImGui::PushID(key.c_str());
  ImGui::InvisibleButton("split", {split.gap, std::max(height, 1.0F)});
  ImGui::PopID();
  const bool is_held = ImGui::IsItemActive(), is_pointed_at = is_held || ImGui::IsItemHovered();
  frame.widgets.note(key + ".split", std::to_string(std::lround(split.left / split.room * 100)) + " %");
  if (is_pointed_at) {
    ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
    const float middle = at.x + split.gap / 2;
    ImGui::GetWindowDrawList()->AddLine({middle, at.y}, {middle, at.y + height}, frame.theme.accent, frame.px(2));
  }
  const auto move_to = [&](float share) {
    frame.layout.left_shares[key] = std::clamp(share, kLeastShare, 1 - kLeastShare);
  };
  const float left_edge = at.x - split.left;
  if (const float step = step_of_keys(); step != 0) move_to(split.left / split.room + step);
  if (is_held && ImGui::GetIO().MouseDelta.x != 0)
    move_to((ImGui::GetIO().MousePos.x - split.gap / 2 - left_edge) / split.room);
  if (is_pointed_at && ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left)) frame.layout.left_shares.erase(key);
  ImGui::SameLine(0, 0);
}

}  // namespace poolscope::viewer
