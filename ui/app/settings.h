#pragma once
// What the viewer remembers: $XDG_CONFIG_HOME/poolscope/viewer.json, else below ~/.config. Losing it never keeps the viewer from starting.

#include <string>
#include <vector>

#include "ui/model/layout.h"

namespace poolscope::viewer {

struct Settings {
  static constexpr std::size_t kMaxAddresses = 12;

  std::string theme = "dark";
  float scale = 1;  // on top of that of the screen
  int width = 1280, height = 800;
  std::vector<std::string> addresses;  // newest first
  Layout layout;

  void note_address(const std::string& address);
};

// Empty when neither XDG_CONFIG_HOME nor HOME is set.
[[nodiscard]] std::string settings_file();
// What is missing or not as it should be has its default.
[[nodiscard]] Settings load_settings(const std::string& file);
// False: it could not be written.
bool save_settings(const Settings& settings, const std::string& file);

}  // namespace poolscope::viewer
