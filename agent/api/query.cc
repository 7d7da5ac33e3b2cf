#include "agent/api/query.h"

#include <charconv>

#include "agent/api/request_guard.h"

namespace poolscope::api {

Result<std::optional<std::string_view>, std::string> query_text(std::string_view query, std::string_view name) {
  std::optional<std::string_view> text;
  while (!query.empty()) {
    const std::size_t ampersand = query.find('&');
    const std::string_view item = query.substr(0, ampersand);
    query = ampersand == query.npos ? std::string_view() : query.substr(ampersand + 1);
    const std::size_t equals = item.find('=');
    if (item.substr(0, equals) != name) continue;
    if (text) return Failure{"parameter " + std::string(name) + " is given more than once"};
    text = equals == item.npos ? std::string_view() : item.substr(equals + 1);
  }
  return text;
}

Result<std::uint64_t, std::string> query_number(std::string_view query, std::string_view name,
                                                const NumberRange& range) {
  const auto found = query_text(query, name);
  if (!found) return Failure{found.error()};
  if (!*found) return range.when_absent;
  const std::string_view text = **found;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= range.lowest && number <= range.highest) {
    return number;
  }
  return Failure{"parameter " + std::string(name) + " is " + quote_foreign(text) + "; it must be a whole number from " +
                 std::to_string(range.lowest) + " to " + std::to_string(range.highest)};
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || digits.size() != 2 || end != digits.data() + 2 || value == 0) return std::nullopt;
    decoded += static_cast<char>(value);
    i += 2;
  }
  return decoded;
}

}  // namespace poolscope::api
