#pragma once
// Pictures of the window.

#include <cstdint>
#include <string>
#include <vector>

namespace poolscope::viewer {

// Rows from the bottom to the top, as GL reads them; four bytes for a pixel.
struct Picture {
  int width = 0, height = 0;
  std::vector<std::uint8_t> rgba;
};

// Between these pixels, counted from the upper left; what lies outside of the picture is left out.
[[nodiscard]] Picture part_of(const Picture& picture, int left, int top, int right, int bottom);
// "" or what went wrong with the file.
[[nodiscard]] std::string write_png(const std::string& file, const Picture& picture);

}  // namespace poolscope::viewer
