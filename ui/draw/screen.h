#pragma once
// Screen: everything in the window. draw() between ImGui::NewFrame() and ImGui::Render(); needs no GL.
//   Keys      of the views, and those of key_help(); none of them while text is typed.

#include <memory>
#include <span>
#include <vector>

#include "ui/draw/connect_bar.h"
#include "ui/draw/frame.h"
#include "ui/draw/time_bar.h"
#include "ui/draw/view.h"

namespace poolscope::viewer {

struct KeyHelp {
  const char* key;
  const char* what;
};
[[nodiscard]] std::span<const KeyHelp> key_help();

class Screen {
 public:
  Screen();
  void draw(Frame& frame);

 private:
  void take_keys(Frame& frame);
  void take_character(Frame& frame, ImWchar character);
  void draw_tabs(Frame& frame);
  void draw_help(Frame& frame);
  void draw_change(Frame& frame);
  void draw_recording(Frame& frame);

  std::vector<std::unique_ptr<View>> views_;
  ConnectBar connect_;
  TimeBar time_;
};

}  // namespace poolscope::viewer
