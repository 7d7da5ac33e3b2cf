#include "agent/config/value_rules.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <regex>

#include "exporters/prometheus/labels.h"

namespace poolscope::config {
namespace {

constexpr std::size_t kMaxDisplayBytes = 128;
constexpr std::size_t kMaxCommBytes = 15;    // TASK_COMM_LEN without the final zero
constexpr std::size_t kMaxPathBytes = 4096;  // PATH_MAX
constexpr std::size_t kMaxSymbolBytes = 512;
constexpr std::size_t kMaxRegexBytes = 512;  // libstdc++ compiles recursively: bounds the stack it takes

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7F; });
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

}  // namespace

Complaint check_display_text(std::string_view text) {
  if (text.empty()) return "must not be empty";
  if (text.size() > kMaxDisplayBytes) return "must have at most " + std::to_string(kMaxDisplayBytes) + " bytes";
  if (has_control_character(text)) return "must not hold control characters";
  return std::nullopt;
}

Complaint check_process_name(std::string_view name) {
  if (name.empty()) return "must not be empty";
  if (has_control_character(name)) return "must not hold control characters";
  if (name.size() > kMaxCommBytes) {
    return "the kernel keeps only 15 bytes of a process name, so this never matches; use `" +
           std::string(name.substr(0, kMaxCommBytes)) + "`, or match the executable";
  }
  return std::nullopt;
}

Complaint check_executable_glob(std::string_view glob) {
  if (glob.empty()) return "must not be empty";
  if (glob.size() > kMaxPathBytes) return "must have at most " + std::to_string(kMaxPathBytes) + " bytes";
  if (has_control_character(glob)) return "must not hold control characters";
  const bool can_match_a_path = std::string_view("/*?[").find(glob.front()) != std::string_view::npos;
  if (glob.find('/') != std::string_view::npos && !can_match_a_path) {
    return "a pattern with '/' is compared with the absolute path, so it must begin with '/' or '*'";
  }
  return std::nullopt;
}

Complaint check_file_path(std::string_view path) {
  if (path.empty()) return "must not be empty";
  if (path.size() >= kMaxPathBytes) return "must have less than " + std::to_string(kMaxPathBytes) + " bytes";
  if (has_control_character(path)) return "must not hold control characters";
  return std::nullopt;
}

Complaint check_symbol(std::string_view name) {
  if (name.empty()) return "must not be empty";
  if (name.size() > kMaxSymbolBytes) return "must have at most " + std::to_string(kMaxSymbolBytes) + " bytes";
  if (has_control_character(name)) return "must not hold control characters";
  if (name.find_first_of(" ()") != std::string_view::npos) {
    return "must be a symbol as `nm` shows it, for C++ the mangled one: _ZN4Pool3getEm, not Pool::get(unsigned long)";
  }
  return std::nullopt;
}

Complaint check_command_line_regex(const std::string& regex) {
  if (regex.empty()) return "must not be empty";
  if (regex.size() > kMaxRegexBytes) return "must have at most " + std::to_string(kMaxRegexBytes) + " bytes";
  try {
    const std::regex compiled(regex, std::regex::ECMAScript);
    return std::nullopt;
  } catch (const std::regex_error& error) {
    return std::string("not a valid ECMAScript regular expression: ") + error.what();
  }
}

Complaint check_label_name(std::string_view name) {
  if (name.empty()) return "a label name must not be empty";
  if (name.size() > kMaxDisplayBytes) return "a label name has at most 128 bytes";
  if (name.starts_with("__")) return "label names that begin with '__' belong to Prometheus; use another name";
  if (!prometheus_text::is_valid_label_name(name)) {
    return "not a Prometheus label name; use letters, digits and '_', not beginning with a digit";
  }
  if (prometheus_text::is_reserved_label_name(name)) {
    return "poolscope's own metrics use this label; use another name";
  }
  return std::nullopt;
}

Complaint check_absolute_path(std::string_view path) {
  if (path.starts_with('/') && path.size() < kMaxPathBytes) return std::nullopt;
  return "must be an absolute path, such as /etc/poolscope/pools.yaml";
}

Complaint check_listen_address(std::string_view address) {
  static const char* const kForm = "must be HOST:PORT, such as 127.0.0.1:9777";
  if (address.starts_with('[') || std::ranges::count(address, ':') > 1) {
    return "must be HOST:PORT with an IPv4 address or a host name; IPv6 is not supported";
  }
  const std::size_t colon = address.find(':');
  if (colon == std::string_view::npos) return kForm;
  if (colon == 0) return "must be HOST:PORT; for all interfaces write 0.0.0.0" + std::string(address);
  const bool clean_host = std::ranges::all_of(address.substr(0, colon), is_host_character);
  if (!clean_host) return kForm;
  const std::string_view port = address.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size()) {
    return "the port after ':' must be a number from 0 to 65535 (0: any free port)";
  }
  return std::nullopt;
}

}  // namespace poolscope::config
