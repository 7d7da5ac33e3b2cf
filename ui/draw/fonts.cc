#include "ui/draw/fonts.h"

#include <cmath>
#include <filesystem>

namespace poolscope::viewer {
namespace {

constexpr float kNormalPixels = 15, kTitlePixels = 20;
constexpr const char* kDebianFolder = "/usr/share/fonts/truetype/dejavu";

// Latin, Greek, Cyrillic, and what reports are written with: dashes, dots, arrows, mathematics, boxes.
constexpr ImWchar kRanges[] = {0x0020, 0x024F, 0x0370, 0x052F, 0x1E00, 0x1EFF, 0x2000, 0x206F, 0x20A0, 0x20BF,
                               0x2190, 0x21FF, 0x2200, 0x22FF, 0x2500, 0x25FF, 0xFFFD, 0xFFFD, 0};

ImFont* load(ImFontAtlas& atlas, const std::filesystem::path& file, float pixels) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return nullptr;
  ImFontConfig config;
  config.OversampleH = 2;
  config.PixelSnapH = true;
  return atlas.AddFontFromFileTTF(file.c_str(), pixels, &config, kRanges);
}

}  // namespace

Fonts load_fonts(ImFontAtlas& atlas, float scale, const std::string& folder) {
  const std::filesystem::path where = folder.empty() ? kDebianFolder : folder;
  const float normal = std::round(kNormalPixels * scale), title = std::round(kTitlePixels * scale);
  atlas.Clear();
  Fonts fonts{load(atlas, where / "DejaVuSans.ttf", normal), load(atlas, where / "DejaVuSans-Bold.ttf", normal),
              load(atlas, where / "DejaVuSans-Bold.ttf", title)};
  if (fonts.normal == nullptr) {
    ImFontConfig config;
    config.SizePixels = normal;
    fonts.normal = atlas.AddFontDefault(&config);
  }
  if (fonts.bold == nullptr) fonts.bold = fonts.normal;
  if (fonts.title == nullptr) fonts.title = fonts.bold;
  atlas.Build();
  return fonts;
}

}  // namespace poolscope::viewer
