#include "ui/source/local_agents.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

namespace poolscope::viewer {
namespace {

constexpr std::size_t kMostWords = 1000;
constexpr std::string_view kOption = "--web.listen-address", kDefaultAddress = "127.0.0.1:9777";

bool is_pid(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string> command_line(const std::filesystem::path& process) {
  std::ifstream file(process / "cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; words.size() < kMostWords && std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

std::optional<std::string> address_of(const std::vector<std::string>& words) {
  if (words.size() < 2 || words[1] != "agent") return std::nullopt;
  if (std::filesystem::path(words[0]).filename() != "poolscope") return std::nullopt;
  const auto is_config = [](const std::string& word) { return word.starts_with("--config.file"); };
  std::string address(std::ranges::any_of(words, is_config) ? "" : kDefaultAddress);
  for (std::size_t i = 2; i < words.size(); ++i) {
    if (words[i].starts_with(std::string(kOption) + "=")) address = words[i].substr(kOption.size() + 1);
    if (words[i] == kOption && i + 1 < words.size()) address = words[i + 1];
  }
  if (address.empty()) return std::nullopt;
  if (address.ends_with(":0")) return std::nullopt;  // the kernel chose a port, nobody can tell from here which
  if (address.starts_with(":")) return "127.0.0.1" + address;
  if (address.starts_with("0.0.0.0:")) return "127.0.0.1" + address.substr(7);
  return address;
}

}  // namespace

std::vector<std::string> local_agents(const std::string& proc) {
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(proc, error), end; !error && entry != end; entry.increment(error)) {
    if (!is_pid(entry->path().filename().string())) continue;
    if (auto address = address_of(command_line(entry->path()))) found.push_back(std::move(*address));
  }
  std::ranges::sort(found);
  const auto same = std::ranges::unique(found);
  found.erase(same.begin(), same.end());
  return found;
}

}  // namespace poolscope::viewer
