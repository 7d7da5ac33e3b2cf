#pragma once
// The files of presets/, compiled in. embed_presets.cmake writes the definition.

#include <span>
#include <string_view>

namespace poolscope::config {

struct EmbeddedPreset {
  std::string_view name;  // of the file, without ".yaml"
  std::string_view yaml;
};

[[nodiscard]] std::span<const EmbeddedPreset> embedded_presets();  // sorted by name

}  // namespace poolscope::config
