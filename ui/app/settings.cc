#include "ui/app/settings.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

namespace poolscope::viewer {
namespace {

using nlohmann::json;

constexpr float kLeastScale = 0.5F, kMostScale = 4;
constexpr int kLeastSide = 320, kMostSide = 16384;
constexpr std::size_t kMaxFileBytes = 1 << 20, kMaxNames = 64;

int side_of(const json& object, const char* name, int otherwise) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer()) return otherwise;
  const auto side = found->get<std::int64_t>();
  return side >= kLeastSide && side <= kMostSide ? static_cast<int>(side) : otherwise;
}

// The members of an object, at most kMaxNames of them; of anything else none.
template <typename Take>
void for_each_member(const json& object, const char* name, const Take& take) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_object()) return;
  std::size_t count = 0;
  for (const auto& [key, value] : found->items())
    if (count++ < kMaxNames) take(key, value);
}

Layout layout_of(const json& object) {
  Layout layout;
  if (const auto view = object.find("view"); view != object.end() && view->is_string()) layout.view = *view;
  for_each_member(object, "left_shares", [&](const std::string& name, const json& value) {
    const float share = value.is_number() ? value.get<float>() : -1;
    if (share >= 0 && share <= 1) layout.left_shares[name] = share;
  });
  for_each_member(object, "orders", [&](const std::string& table, const json& value) {
    const bool is_order = value.is_object() && value.contains("column") && value["column"].is_string() &&
                          value.contains("descending") && value["descending"].is_boolean();
    if (is_order) layout.orders[table] = {value["column"], value["descending"]};
  });
  return layout;
}

json layout_json(const Layout& layout) {
  json orders = json::object();
  for (const auto& [table, order] : layout.orders)
    orders[table] = {{"column", order.column}, {"descending", order.descending}};
  return {{"view", layout.view}, {"left_shares", layout.left_shares}, {"orders", orders}};
}

}  // namespace

void Settings::note_address(const std::string& address) {
  std::erase(addresses, address);
  addresses.insert(addresses.begin(), address);
  if (addresses.size() > kMaxAddresses) addresses.resize(kMaxAddresses);
}

std::string settings_file() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config == '/') return std::string(config) + "/poolscope/viewer.json";
  const char* home = std::getenv("HOME");
  return home != nullptr && *home == '/' ? std::string(home) + "/.config/poolscope/viewer.json" : "";
}

Settings load_settings(const std::string& file) {
  Settings settings;
  std::error_code error;
  if (file.empty() || !std::filesystem::is_regular_file(file, error) ||
      std::filesystem::file_size(file, error) > kMaxFileBytes)
    return settings;
  std::ifstream stream(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return settings;
  if (const auto theme = object.find("theme"); theme != object.end() && theme->is_string()) settings.theme = *theme;
  const auto scale = object.find("scale");
  if (scale != object.end() && scale->is_number()) {
    if (const auto wanted = scale->get<float>(); wanted >= kLeastScale && wanted <= kMostScale) settings.scale = wanted;
  }
  settings.width = side_of(object, "width", settings.width);
  settings.height = side_of(object, "height", settings.height);
  if (const auto layout = object.find("layout"); layout != object.end() && layout->is_object())
    settings.layout = layout_of(*layout);
  const auto addresses = object.find("addresses");
  if (addresses == object.end() || !addresses->is_array()) return settings;
  for (const json& address : *addresses)
    if (address.is_string() && settings.addresses.size() < Settings::kMaxAddresses)
      settings.addresses.push_back(address);
  return settings;
}

bool save_settings(const Settings& settings, const std::string& file) {
  if (file.empty()) return false;
  const json object = {{"theme", settings.theme},         {"scale", settings.scale},
                       {"width", settings.width},         {"height", settings.height},
                       {"addresses", settings.addresses}, {"layout", layout_json(settings.layout)}};
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(file).parent_path(), error);
  const std::string fresh = file + ".new";
  {
    std::ofstream stream(fresh, std::ios::binary | std::ios::trunc);
    stream << object.dump(2, ' ', false, json::error_handler_t::replace) << "\n";
    if (!stream.flush()) return false;
  }
  std::filesystem::rename(fresh, file, error);
  return !error;
}

}  // namespace poolscope::viewer
