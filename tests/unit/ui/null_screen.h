#pragma once
// The whole screen of the viewer without a window and without GL: ImGui lays everything out and makes its draw lists, and nobody draws them.

#include <optional>
#include <string>
#include <vector>

#include <imgui.h>

#include "ui/draw/screen.h"
#include "ui/draw/script.h"

namespace poolscope::viewer_test {

using namespace viewer;

class NullScreen {
 public:
  explicit NullScreen(ImVec2 size = {1280, 800}, const Theme& theme = dark_theme(), float scale = 1);
  ~NullScreen();
  NullScreen(const NullScreen&) = delete;
  NullScreen& operator=(const NullScreen&) = delete;

  void draw_frame();
  // Until the script is over; what went wrong with it, or "".
  [[nodiscard]] std::string run(const std::string& script);
  // What is wrong with the draw lists of the last frame: numbers that are none, lists that are too long for 16-bit indices.
  [[nodiscard]] std::string problem() const;
  [[nodiscard]] std::size_t vertices() const;

  ViewerState state;
  Widgets widgets;
  Actions actions;
  Layout layout;
  std::vector<Actions> all_actions;  // of every frame that wanted something
  std::vector<std::string> addresses;
  bool can_change_pools = false;
  std::optional<RecordStatus> recording;
  const ViewerState* second = nullptr;

 private:
  const Theme& theme_;
  float scale_;
  Fonts fonts_;
  Screen screen_;
  double now_seconds_ = 0;
};

}  // namespace poolscope::viewer_test
