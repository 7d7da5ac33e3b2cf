#include "ui/app/png_file.h"

#include <algorithm>
#include <cstddef>

#include <png.h>

namespace poolscope::viewer {

Picture part_of(const Picture& picture, int left, int top, int right, int bottom) {
  left = std::clamp(left, 0, picture.width);
  right = std::clamp(right, left, picture.width);
  top = std::clamp(top, 0, picture.height);
  bottom = std::clamp(bottom, top, picture.height);
  Picture part{right - left, bottom - top, {}};
  for (int row = bottom - 1; row >= top; --row) {
    const auto* line = picture.rgba.data() + std::ptrdiff_t{picture.height - 1 - row} * picture.width * 4;
    part.rgba.insert(part.rgba.end(), line + std::ptrdiff_t{left} * 4, line + std::ptrdiff_t{right} * 4);
  }
  return part;
}

std::string write_png(const std::string& file, const Picture& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = PNG_FORMAT_RGBA;
  const auto upwards = -static_cast<png_int_32>(picture.width) * 4;
  if (png_image_write_to_file(&image, file.c_str(), 0, picture.rgba.data(), upwards, nullptr) != 0) return "";
  return file + ": " + image.message;
}

}  // namespace poolscope::viewer
