#include "ui/app/png_file.h"

#include <png.h>

namespace poolscope::viewer {

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
