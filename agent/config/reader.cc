#include "agent/config/reader.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "agent/config/nearest.h"

namespace poolscope::config {
namespace {

constexpr std::size_t kMaxErrors = 100;
constexpr std::size_t kMaxShownBytes = 64;

}  // namespace

std::string shown(std::string_view text) {
  std::string result(text.substr(0, kMaxShownBytes));
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text.size() > kMaxShownBytes ? result + "..." : result;
}

std::string join(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : std::string(path) + "." + std::string(key);
}

Value item_of(const Value& list, std::size_t index) {
  return Value{list.node.items[index], list.path + "[" + std::to_string(index) + "]"};
}

const Node* find_member(const Node& map, std::string_view name) {
  for (const auto& [key, value] : map.members) {
    if (key.kind == Node::Kind::kScalar && key.text == name) return &value;
  }
  return nullptr;
}

std::string unknown_key(std::string_view key, std::span<const std::string_view> known) {
  if (const auto near = nearest(key, known)) return "unknown key; did you mean `" + std::string(*near) + "`?";
  std::string list;
  for (const std::string_view name : known) list += (list.empty() ? "" : ", ") + std::string(name);
  return "unknown key; the keys here are: " + list;
}

void Reader::error(Position at, std::string key, std::string detail) {
  if (errors_.size() == kMaxErrors) return;
  errors_.push_back({file_, at.line, at.column, std::move(key), std::move(detail)});
  if (errors_.size() == kMaxErrors) errors_.back().detail += "; further errors are not listed";
}

void Reader::number(const Value& value, const NumberRange& range, double& out) {
  double parsed = 0;
  if (!parse(value, std::string("must be a number ") + range.text, parsed)) return;
  const bool inside =
      std::isfinite(parsed) && parsed <= range.high && (range.low_excluded ? parsed > range.low : parsed >= range.low);
  if (!inside) return error(value, "must be " + std::string(range.text) + ", not " + shown(value.node.text));
  out = parsed;
}

bool Reader::whole_number(const Value& value, std::int64_t low, std::int64_t high, std::int64_t& out) {
  const std::string range = "from " + std::to_string(low) + " to " + std::to_string(high);
  if (!parse(value, "must be a whole number " + range, out)) return false;
  if (low <= out && out <= high) return true;
  error(value, "must be " + range + ", not " + shown(value.node.text));
  return false;
}

void Reader::boolean(const Value& value, bool& out) {
  const bool is_word = value.node.kind == Node::Kind::kScalar && !value.node.quoted;
  if (is_word && value.node.text == "true") {
    out = true;
  } else if (is_word && value.node.text == "false") {
    out = false;
  } else {
    error(value, "must be true or false");
  }
}

void Reader::text(const Value& value, Complaint (*check)(std::string_view), std::string& out) {
  if (value.node.kind != Node::Kind::kScalar) return error(value, "must be a text");
  if (const Complaint complaint = check(value.node.text)) return error(value, *complaint);
  out = value.node.text;
}

// A quoted number is text: the quotes are there because somebody meant them.
template <typename Number>
bool Reader::parse(const Value& value, const std::string& expected, Number& out) {
  const std::string& text = value.node.text;
  if (value.node.kind != Node::Kind::kScalar) {
    error(value, expected);
    return false;
  }
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failure == std::errc() && end == text.data() + text.size() && !value.node.quoted) return true;
  error(value, expected + (value.node.quoted ? ", without quotes" : ", not `" + shown(text) + "`"));
  return false;
}

}  // namespace poolscope::config
