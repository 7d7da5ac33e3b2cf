#pragma once
// The time bar: all of the history in one strip, the range that all views show in it, and what moves it.
//   Mouse     in the strip: a click scrubs there, dragging chooses a range, the wheel zooms.
//   Widgets   "time.strip", "time.follow", "time.all", "time.note".

#include <optional>

#include "ui/draw/frame.h"

namespace poolscope::viewer {

class TimeBar {
 public:
  void draw(Frame& frame);

 private:
  void draw_buttons(Frame& frame);
  void draw_strip(Frame& frame, ImVec2 size);
  void draw_busy(Frame& frame, ImVec2 min, ImVec2 max);

  Cached<Series> busy_;             // allocations and gets of all targets
  std::optional<float> drag_from_;  // where in the strip a drag began
};

}  // namespace poolscope::viewer
