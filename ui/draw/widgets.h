#pragma once
// Widgets: what is on the screen by stable names, with its place and its text, noted while it is drawn. Scripts and tests find things by it.
//   Names     "pools.row.redis-server.main.jsonBufferPool": the view, what it is, and of what.
//   Threads   that of ImGui.

#include <map>
#include <string>
#include <string_view>

#include <imgui.h>

namespace poolscope::viewer {

struct Widget {
  ImVec2 min{}, max{};
  std::string text;        // what it says
  bool is_visible = true;  // a part of it lies in what is shown of its window
  [[nodiscard]] ImVec2 centre() const { return {(min.x + max.x) / 2, (min.y + max.y) / 2}; }
};

class Widgets {
 public:
  // Before the first widget of a frame.
  void begin_frame() { widgets_.clear(); }
  // The item that ImGui drew last.
  void note(std::string_view name, std::string_view text = "");
  void note(std::string_view name, std::string_view text, ImVec2 min, ImVec2 max);

  // nullptr: not drawn in this frame.
  [[nodiscard]] const Widget* find(std::string_view name) const;
  [[nodiscard]] const std::map<std::string, Widget, std::less<>>& all() const { return widgets_; }

 private:
  std::map<std::string, Widget, std::less<>> widgets_;
};

}  // namespace poolscope::viewer
