#pragma once
// Keys of this frame. None while text is typed: then they go into the box.

#include <imgui.h>

namespace poolscope::viewer {

[[nodiscard]] inline bool is_typed(ImWchar character) {
  const ImGuiIO& io = ImGui::GetIO();
  return !io.WantTextInput && io.InputQueueCharacters.contains(character);
}

[[nodiscard]] inline bool is_pressed(ImGuiKey key) {
  return !ImGui::GetIO().WantTextInput && ImGui::IsKeyPressed(ImGui::GetKeyIndex(key));
}

// 1 down, -1 up, 0 neither.
[[nodiscard]] inline int steps_down() {
  return (is_pressed(ImGuiKey_DownArrow) ? 1 : 0) - (is_pressed(ImGuiKey_UpArrow) ? 1 : 0);
}

// Before an input box is drawn: `character` goes there, and is not typed into it.
inline void focus_by(ImWchar character) {
  if (!is_typed(character)) return;
  ImGui::SetKeyboardFocusHere();
  ImGui::GetIO().InputQueueCharacters.clear();
}

}  // namespace poolscope::viewer
