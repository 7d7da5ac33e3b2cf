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

// "" or what went wrong with the file.
[[nodiscard]] std::string write_png(const std::string& file, const Picture& picture);

}  // namespace poolscope::viewer
