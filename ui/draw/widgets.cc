#include "ui/draw/widgets.h"

#include <algorithm>

namespace poolscope::viewer {

void Widgets::note(std::string_view name, std::string_view text) {
  note(name, text, ImGui::GetItemRectMin(), ImGui::GetItemRectMax());
}

void Widgets::note(std::string_view name, std::string_view text, ImVec2 min, ImVec2 max) {
  const ImVec2 clip_min = ImGui::GetWindowDrawList()->GetClipRectMin();
  const ImVec2 clip_max = ImGui::GetWindowDrawList()->GetClipRectMax();
  const ImVec2 seen_min = {std::max(min.x, clip_min.x), std::max(min.y, clip_min.y)};
  const ImVec2 seen_max = {std::min(max.x, clip_max.x), std::min(max.y, clip_max.y)};
  const bool is_visible = seen_min.x < seen_max.x && seen_min.y < seen_max.y;
  // What can be clicked is the part that is seen.
  Widget widget =
      is_visible ? Widget{seen_min, seen_max, std::string(text), true} : Widget{min, max, std::string(text), false};
  widgets_.insert_or_assign(std::string(name), std::move(widget));
}

const Widget* Widgets::find(std::string_view name) const {
  const auto found = widgets_.find(name);
  return found == widgets_.end() ? nullptr : &found->second;
}

}  // namespace poolscope::viewer
