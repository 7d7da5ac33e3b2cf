#include "tests/case_studies/json_buffer/tickets.h"

#include <array>
#include <string_view>

namespace poolscope::case_study {
namespace {

constexpr std::array<std::string_view, 4> kStates = {"open  ", "closed", "paused", "merged"};
constexpr std::string_view kDescription =
    "The page stays empty after signing in; a second try works. Seen \"today\" twice.";

void append_digits(std::string& text, std::uint64_t value, int digits) {
  const std::size_t at = text.size();
  text.append(static_cast<std::size_t>(digits), '0');
  for (int i = digits - 1; i >= 0; --i, value /= 10)
    text[at + static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
}

std::string time_text(std::uint64_t seconds) {
  std::string text;
  text.reserve(24);
  text += "2026-03-14T";
  append_digits(text, seconds / 3600 % 24, 2);
  text += ':';
  append_digits(text, seconds / 60 % 60, 2);
  text += ':';
  append_digits(text, seconds % 60, 2);
  text += ".000Z";
  return text;
}

std::string escaped(std::string_view plain) {
  std::string text;
  text.reserve(plain.size() + 8);
  for (const char c : plain) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

void append_field(std::string& row, std::string_view name, std::string_view value) {
  row += ",\"";
  row += name;
  row += "\":\"";
  row += value;
  row += '"';
}

}  // namespace

std::string encode_ticket(std::uint64_t number) {
  const std::string created = time_text(number * 37), updated = time_text(number * 41 + 9000);
  const std::string description = escaped(kDescription);
  std::string row;
  row.reserve(kTicketBytes);
  row += "{\"id\":\"T";
  append_digits(row, number, 9);
  row += '"';
  append_field(row, "subject", "Sign-in shows an empty page to some people since the last.");
  append_field(row, "description", description);
  append_field(row, "state", kStates[number % kStates.size()]);
  append_field(row, "priority", "normal");
  append_field(row, "requester", "someone@example.org");
  append_field(row, "assignee", "support-second-line");
  append_field(row, "product", "accounts");
  append_field(row, "created_at", created);
  append_field(row, "updated_at", updated);
  row += '}';
  return row;
}

}  // namespace poolscope::case_study
