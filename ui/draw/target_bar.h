#pragma once
// The first line of views of one target: which one it is, and what chooses another.
//   Keys      ',' and '.' go to the target before and after.
//   Widgets   "VIEW.target", and while its list is open "VIEW.target.NAME".

#include <string_view>

#include "ui/draw/frame.h"

namespace poolscope::viewer {

// nullptr: there is none; what to do about it is drawn.
[[nodiscard]] const model::TargetSnapshot* draw_target_bar(Frame& frame, std::string_view view);

}  // namespace poolscope::viewer
