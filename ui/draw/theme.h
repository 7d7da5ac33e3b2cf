#pragma once
// Theme: the colours of everything. The palette of lines is that of Okabe and Ito (2008), which people tell apart whatever colours they see; no
// meaning hangs on a colour alone.
//   Threads   values; apply() belongs to the thread of ImGui.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <imgui.h>

#include "ui/model/plots.h"
#include "ui/model/table.h"

namespace poolscope::viewer {

struct Theme {
  std::string name;  // "dark", "light"
  ImU32 background, panel, raised, line, grid;
  ImU32 text, dim, good, warning, bad, accent, accent_text;
  ImU32 palette[7];

  [[nodiscard]] ImU32 of(Tone tone) const;
  [[nodiscard]] ImU32 of_line(ColourIndex index) const { return palette[index % 7]; }
};

[[nodiscard]] const Theme& dark_theme();
[[nodiscard]] const Theme& light_theme();
// "dark" or "light".
[[nodiscard]] const Theme* theme_named(std::string_view name);

// The same colour, more or less seen through: 0..1.
[[nodiscard]] ImU32 with_alpha(ImU32 colour, float alpha);

// Colours and sizes of ImGui's own widgets, `scale` times as large.
void apply(const Theme& theme, float scale);

}  // namespace poolscope::viewer
