#pragma once
// The fonts of the viewer, baked for a scale: DejaVu where it is installed, else the one that ImGui brings along, which lacks most of what names are
// written in.
//   Threads   that of ImGui.

#include <string>

#include <imgui.h>

namespace poolscope::viewer {

struct Fonts {
  ImFont* normal = nullptr;
  ImFont* bold = nullptr;
  ImFont* title = nullptr;
};

// Takes the place of all fonts of `atlas`. `folder`: where the TTF files lie; empty: where Debian puts them.
[[nodiscard]] Fonts load_fonts(ImFontAtlas& atlas, float scale, const std::string& folder = "");

}  // namespace poolscope::viewer
