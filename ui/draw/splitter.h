#pragma once
// The bar between two parts of a view that stand beside each other. Dragged, or with the keys { and }, it gives room of one to the other; a double
// click puts it back. Where it is lies in the layout.
//   Widget    "NAME.split"; says the share of the left part, "38 %".
// Left part of width `split.left`, then draw_splitter, then the right part.

#include <string_view>

#include "ui/draw/frame.h"

namespace poolscope::viewer {

struct Split {
  float left = 0, gap = 0, room = 0;  // pixels
};

// `left` is `at_first` pixels wide while nobody has moved the bar. Neither part gets narrower than a fifth of the room.
[[nodiscard]] Split split_in_two(const Frame& frame, std::string_view name, float at_first);
void draw_splitter(Frame& frame, std::string_view name, const Split& split, float height);

}  // namespace poolscope::viewer
