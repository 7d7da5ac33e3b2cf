#include <utility>

#include "agent/config/config.h"
#include "agent/config/embedded_presets.h"
#include "agent/config/nearest.h"
#include "agent/config/reader.h"

namespace poolscope::config {
namespace {

std::string unknown_preset(std::string_view name) {
  const std::vector<std::string_view> known = preset_names();
  const auto near = nearest(name, known);
  std::string text = "no preset `" + shown(name) + "`";
  if (near) return text + "; did you mean `" + std::string(*near) + "`?";
  std::string list;
  for (const std::string_view one : known) list += (list.empty() ? "" : ", ") + std::string(one);
  return text + "; the presets are: " + list;
}

}  // namespace

std::vector<std::string_view> preset_names() {
  std::vector<std::string_view> names;
  for (const auto& preset : embedded_presets()) names.push_back(preset.name);
  return names;
}

Result<std::vector<CustomPool>, std::string> preset_pools(std::string_view name) {
  for (const auto& preset : embedded_presets()) {
    if (preset.name != name) continue;
    auto config = parse_config(preset.yaml, std::string(name) + ".yaml");
    if (!config) return Failure{describe(config.error().front())};
    return std::move(config->custom_pools);
  }
  return Failure{unknown_preset(name)};
}

}  // namespace poolscope::config
