#pragma once
// Script: drives the viewer as a person would, with the mouse and the keyboard of ImGui, and says what it found. For tests, documents and bug
// reports. One command in a line, words in double quotes where they have blanks, '#' begins a comment:
//
//   wait WIDGET [TEXT]     until it is drawn, and says TEXT      click WIDGET        wheel WIDGET NOTCHES      menu WIDGET (right button)
//   gone WIDGET            until it is not drawn                 hover WIDGET        drag WIDGET DX DY      (pixels)
//   assert WIDGET [TEXT]   it is drawn now, and says TEXT        type TEXT           key NAME               (Enter, Escape, Left, a character, ...)
//   screenshot FILE        of the next frame                     pause SECONDS       timeout SECONDS        (of wait and gone, 20 at first)
//   list PREFIX            prints the widgets that begin so
//
//   End       the script ends the viewer: with 0, or 1 when a wait, a click or an assert failed.
//   Threads   that of ImGui. No clock: the time is given.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <imgui.h>

#include "poolscope/result.h"
#include "ui/draw/widgets.h"

namespace poolscope::viewer {

class Script {
 public:
  // The error names the line.
  [[nodiscard]] static Result<Script, std::string> parse(std::string_view text);

  // Before ImGui::NewFrame(): what the mouse and the keys do in this frame. `widgets`: those of the frame before.
  void drive(ImGuiIO& io, const Widgets& widgets, double now_seconds);
  // A file that the frame is to be saved in; once.
  [[nodiscard]] std::optional<std::string> take_screenshot_file();
  [[nodiscard]] bool is_over() const { return next_ >= commands_.size() || !failure_.empty(); }
  // "line 3: click pools.row.x: there is no such widget; ..."; empty: all went well.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  struct Command {
    std::size_t line = 0;
    std::vector<std::string> words;
  };
  using Words = std::vector<std::string>;

  [[nodiscard]] static std::string problem_of(const Words& words);
  void begin_command(double now_seconds);
  void step(ImGuiIO& io, const Widgets& widgets, double now_seconds);
  void step_wait(const Words& words, const Widgets& widgets, double now_seconds, bool wants_it);
  void step_mouse(const Words& words, const Widgets& widgets);
  void step_drag(const Words& words, ImVec2 from);
  void step_key(ImGuiIO& io, const std::string& name);
  void done();
  void fail(const std::string& why);
  [[nodiscard]] const Widget* visible(const Widgets& widgets, const std::string& name);

  std::vector<Command> commands_;
  std::size_t next_ = 0;
  unsigned phase_ = 0;  // frames of the command so far
  double began_seconds_ = -1;
  double timeout_seconds_ = 20;
  ImVec2 mouse_{-1, -1};
  ImVec2 drag_from_{};
  bool is_down_ = false, is_right_down_ = false;
  float wheel_ = 0;
  std::optional<std::string> screenshot_;
  std::string failure_;
};

}  // namespace poolscope::viewer
