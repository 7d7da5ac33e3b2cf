#pragma once
// Reader: takes values out of a YAML tree and collects what is wrong with them, each with its place.
//   Errors    at most 100 are kept. A value with an error leaves its field as it was.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/value_rules.h"
#include "agent/config/yaml_tree.h"

namespace poolscope::config {

struct Value {
  const Node& node;
  std::string path;  // "targets[0].match.pid"
};

struct NumberRange {
  double low;
  double high;
  bool low_excluded = false;
  const char* text;  // "from 1.05 to 10"
};

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  [[nodiscard]] std::vector<ConfigError> take_errors() { return std::move(errors_); }

  void error(Position at, std::string key, std::string detail);
  void error(const Value& value, std::string detail) { error(value.node.position, value.path, std::move(detail)); }

  void number(const Value& value, const NumberRange& range, double& out);
  void integer(const Value& value, std::int64_t low, std::int64_t high, auto& out) {
    std::int64_t parsed = 0;
    if (whole_number(value, low, high, parsed)) out = static_cast<std::remove_reference_t<decltype(out)>>(parsed);
  }
  void boolean(const Value& value, bool& out);
  void text(const Value& value, Complaint (*check)(std::string_view), std::string& out);

 private:
  bool whole_number(const Value& value, std::int64_t low, std::int64_t high, std::int64_t& out);
  template <typename Number>
  bool parse(const Value& value, const std::string& expected, Number& out);

  std::string file_;
  std::vector<ConfigError> errors_;
};

// Foreign text inside a message: short, and without characters that would change the terminal.
[[nodiscard]] std::string shown(std::string_view text);
// "targets[0]" and "match" give "targets[0].match".
[[nodiscard]] std::string join(std::string_view path, std::string_view key);
[[nodiscard]] Value item_of(const Value& list, std::size_t index);
// The member with this name; null when there is none or `map` is no map.
[[nodiscard]] const Node* find_member(const Node& map, std::string_view name);
// "unknown key; did you mean ...", or the list of the keys that are known.
[[nodiscard]] std::string unknown_key(std::string_view key, std::span<const std::string_view> known);

template <typename Out>
struct Field {
  std::string_view key;
  void (*read)(Reader&, const Value&, Out&);
};

// Calls `member` for every key that is a text and comes first; reports the others.
void for_each_member(Reader& reader, const Value& map, auto&& member) {
  if (map.node.kind == Node::Kind::kNull) return;
  if (map.node.kind != Node::Kind::kMap) {
    return reader.error(
        map, map.path.empty() ? "the file must be a map of keys, such as `targets:`" : "must be a map of keys");
  }
  std::map<std::string_view, Position> seen;
  for (const auto& [key, value] : map.node.members) {
    if (key.kind != Node::Kind::kScalar) {
      reader.error(key.position, map.path, "a key must be a text");
      continue;
    }
    const std::string path = join(map.path, shown(key.text));
    const auto [first, is_first] = seen.emplace(key.text, key.position);
    if (is_first) {
      member(key, Value{value, path});
    } else {
      reader.error(key.position, path, "the key is there twice; first in line " + std::to_string(first->second.line));
    }
  }
}

template <typename Out>
void read_map(Reader& reader, const Value& map, std::span<const Field<Out>> fields, Out& out) {
  for_each_member(reader, map, [&](const Node& key, const Value& value) {
    std::vector<std::string_view> known;
    for (const auto& field : fields) {
      if (field.key == key.text) return field.read(reader, value, out);
      known.push_back(field.key);
    }
    reader.error(key.position, value.path, unknown_key(key.text, known));
  });
}

}  // namespace poolscope::config
