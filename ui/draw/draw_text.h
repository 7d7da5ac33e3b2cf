#pragma once
// Text at a place. What does not fit ends with "…" and is in the tooltip.

#include <string>
#include <string_view>

#include <imgui.h>

#include "ui/draw/frame.h"
#include "ui/model/table.h"

namespace poolscope::viewer {

// `text` in at most `width` pixels of the current font.
[[nodiscard]] std::string cut_to(std::string_view text, float width);
// In at most `lines` lines, broken at blanks; the last one is cut.
[[nodiscard]] std::string fit_lines(std::string_view text, float width, unsigned lines);
[[nodiscard]] float width_of(std::string_view text);

// Into a draw list; `align` 0 left, 0.5 centred, 1 right of `width`.
void draw_text_at(ImDrawList& list, ImVec2 at, ImU32 colour, std::string_view text, float width, float align = 0);

// An item as wide as `width`, 0: as there is room for; with the whole text in the tooltip when it was cut.
void text_item(std::string_view text, ImU32 colour, float width = 0);
// In as many lines as it takes.
void wrapped_item(std::string_view text, ImU32 colour);
// Of the last item, when the mouse is over it.
void tooltip(std::string_view text);
// A heading in bold.
void heading(const Frame& frame, std::string_view text);

}  // namespace poolscope::viewer
