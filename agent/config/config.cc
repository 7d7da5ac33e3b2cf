#include "agent/config/config.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <set>
#include <span>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/nearest.h"
#include "agent/config/value_rules.h"
#include "agent/config/yaml_tree.h"

namespace poolscope::config {
namespace {

constexpr std::size_t kMaxErrors = 100;
constexpr std::size_t kMaxShownBytes = 64;

// Foreign text inside a message: short, and without characters that would change the terminal.
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

  void error(Position at, std::string key, std::string detail) {
    if (errors_.size() == kMaxErrors) return;
    errors_.push_back({file_, at.line, at.column, std::move(key), std::move(detail)});
    if (errors_.size() == kMaxErrors) errors_.back().detail += "; further errors are not listed";
  }
  void error(const Value& value, std::string detail) { error(value.node.position, value.path, std::move(detail)); }

  void number(const Value& value, const NumberRange& range, double& out) {
    double parsed = 0;
    if (!parse(value, std::string("must be a number ") + range.text, parsed)) return;
    const bool inside = std::isfinite(parsed) && parsed <= range.high &&
                        (range.low_excluded ? parsed > range.low : parsed >= range.low);
    if (!inside) return error(value, "must be " + std::string(range.text) + ", not " + shown(value.node.text));
    out = parsed;
  }

  void integer(const Value& value, std::int64_t low, std::int64_t high, auto& out) {
    const std::string range = "from " + std::to_string(low) + " to " + std::to_string(high);
    std::int64_t parsed = 0;
    if (!parse(value, "must be a whole number " + range, parsed)) return;
    if (parsed < low || parsed > high) {
      return error(value, "must be " + range + ", not " + shown(value.node.text));
    }
    out = static_cast<std::remove_reference_t<decltype(out)>>(parsed);
  }

  void boolean(const Value& value, bool& out) {
    const bool is_word = value.node.kind == Node::Kind::kScalar && !value.node.quoted;
    if (is_word && value.node.text == "true") {
      out = true;
    } else if (is_word && value.node.text == "false") {
      out = false;
    } else {
      error(value, "must be true or false");
    }
  }

  void text(const Value& value, Complaint (*check)(std::string_view), std::string& out) {
    if (value.node.kind != Node::Kind::kScalar) return error(value, "must be a text");
    if (const Complaint complaint = check(value.node.text)) return error(value, *complaint);
    out = value.node.text;
  }

 private:
  // A quoted number is text: the quotes are there because somebody meant them.
  template <typename Number>
  bool parse(const Value& value, const std::string& expected, Number& out) {
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

  std::string file_;
  std::vector<ConfigError> errors_;
};

template <typename Out>
struct Field {
  std::string_view key;
  void (*read)(Reader&, const Value&, Out&);
};

template <typename Out>
std::string unknown_key(std::string_view key, std::span<const Field<Out>> fields) {
  std::vector<std::string_view> known;
  for (const auto& field : fields) known.push_back(field.key);
  if (const auto near = nearest(key, known)) return "unknown key; did you mean `" + std::string(*near) + "`?";
  std::string list;
  for (const std::string_view name : known) list += (list.empty() ? "" : ", ") + std::string(name);
  return "unknown key; the keys here are: " + list;
}

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
      const auto& [line, column] = first->second;
      reader.error(key.position, path, "the key is there twice; first in line " + std::to_string(line));
    }
  }
}

template <typename Out>
void read_map(Reader& reader, const Value& map, std::span<const Field<Out>> fields, Out& out) {
  for_each_member(reader, map, [&](const Node& key, const Value& value) {
    for (const auto& field : fields) {
      if (field.key == key.text) return field.read(reader, value, out);
    }
    reader.error(key.position, value.path, unknown_key(key.text, fields));
  });
}

Complaint check_regex_text(std::string_view text) {
  return check_command_line_regex(std::string(text));
}

constexpr Field<Matcher> kMatcherFields[] = {
    {"pid", [](Reader& r, const Value& v, Matcher& m) { r.integer(v, 1, kMaxPid, m.pid); }},
    {"process_name", [](Reader& r, const Value& v, Matcher& m) { r.text(v, check_process_name, m.process_name); }},
    {"executable", [](Reader& r, const Value& v, Matcher& m) { r.text(v, check_executable_glob, m.executable_glob); }},
    {"command_line", [](Reader& r, const Value& v, Matcher& m) { r.text(v, check_regex_text, m.command_line_regex); }},
};

void read_matcher(Reader& reader, const Value& value, TargetConfig& target) {
  const bool has_conditions = value.node.kind == Node::Kind::kMap && !value.node.members.empty();
  if (has_conditions) return read_map<Matcher>(reader, value, kMatcherFields, target.match);
  reader.error(value, "needs at least one of pid, process_name, executable, command_line");
}

void read_labels(Reader& reader, const Value& map, TargetConfig& target) {
  for_each_member(reader, map, [&](const Node& key, const Value& value) {
    if (const Complaint complaint = check_label_name(key.text)) {
      return reader.error(key.position, value.path, *complaint);
    }
    reader.text(value, check_display_text, target.labels[key.text]);
  });
}

constexpr Field<TargetConfig> kTargetFields[] = {
    {"name", [](Reader& r, const Value& v, TargetConfig& t) { r.text(v, check_display_text, t.name); }},
    {"match", read_matcher},
    {"include_children", [](Reader& r, const Value& v, TargetConfig& t) { r.boolean(v, t.include_children); }},
    {"labels", read_labels},
};

const Node* find_member(const Node& map, std::string_view name) {
  for (const auto& [key, value] : map.members) {
    if (key.kind == Node::Kind::kScalar && key.text == name) return &value;
  }
  return nullptr;
}

TargetConfig read_target(Reader& reader, const Value& value) {
  TargetConfig target;
  if (value.node.kind != Node::Kind::kMap) {
    reader.error(value, "must be a map with the key `match`");
    return target;
  }
  read_map<TargetConfig>(reader, value, kTargetFields, target);
  if (find_member(value.node, "match") == nullptr) {
    reader.error(value, "needs `match` with at least one of pid, process_name, executable, command_line");
  }
  return target;
}

void read_targets(Reader& reader, const Value& list, Config& config) {
  if (list.node.kind == Node::Kind::kNull) return;
  if (list.node.kind != Node::Kind::kSequence) {
    return reader.error(list, "must be a list; begin each target with `- `");
  }
  std::map<std::string, Position> names;
  for (std::size_t i = 0; i < list.node.items.size(); ++i) {
    const Value item{list.node.items[i], list.path + "[" + std::to_string(i) + "]"};
    config.targets.push_back(read_target(reader, item));
    const std::string& name = config.targets.back().name;
    if (name.empty()) continue;
    const Position at = find_member(item.node, "name")->position;
    const auto [first, is_first] = names.emplace(name, at);
    if (is_first) continue;
    reader.error(at, join(item.path, "name"),
                 "the target in line " + std::to_string(first->second.line) + " has this name too; names must differ");
  }
}

constexpr Field<BudgetConfig> kBudgetFields[] = {
    {"cpu_ratio",
     [](Reader& r, const Value& v, BudgetConfig& b) {
       r.number(v, {0, 0.5, true, "above 0 and at most 0.5"}, b.cpu_ratio);
     }},
    {"burst_slowdown",
     [](Reader& r, const Value& v, BudgetConfig& b) {
       r.number(v, {1.05, 10, false, "from 1.05 to 10"}, b.burst_slowdown);
     }},
    {"burst_max_ms",
     [](Reader& r, const Value& v, BudgetConfig& b) {
       r.number(v, {0.1, 50, false, "from 0.1 to 50"}, b.burst_max_ms);
     }},
    {"follow_max_ms",
     [](Reader& r, const Value& v, BudgetConfig& b) {
       r.number(v, {1, 1000, false, "from 1 to 1000"}, b.follow_max_ms);
     }},
};

constexpr Field<WebConfig> kWebFields[] = {
    {"listen_address",
     [](Reader& r, const Value& v, WebConfig& w) { r.text(v, check_listen_address, w.listen_address); }},
};

constexpr Field<Config> kHistoryFields[] = {
    {"snapshots", [](Reader& r, const Value& v, Config& c) { r.integer(v, 1, 10'000, c.history_snapshots); }},
};

constexpr Field<Config> kRootFields[] = {
    {"targets", read_targets},
    {"budget", [](Reader& r, const Value& v, Config& c) { read_map<BudgetConfig>(r, v, kBudgetFields, c.budget); }},
    {"web", [](Reader& r, const Value& v, Config& c) { read_map<WebConfig>(r, v, kWebFields, c.web); }},
    {"history", [](Reader& r, const Value& v, Config& c) { read_map<Config>(r, v, kHistoryFields, c); }},
};

Failure<std::vector<ConfigError>> whole_file(const std::string& file, std::string detail) {
  return Failure{std::vector<ConfigError>{{file, 0, 0, "", std::move(detail)}}};
}

// At most one byte more than parse_config() takes, so that it can tell that the file is too large.
Result<std::string, std::string> read_bounded(int fd) {
  std::string text(kMaxTextBytes + 1, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(fd, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure{std::string("cannot be read: ") + std::strerror(errno)};
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

}  // namespace

std::string describe(const ConfigError& error) {
  std::string where = error.file;
  if (error.line > 0) where += ":" + std::to_string(error.line) + ":" + std::to_string(error.column);
  return where + ": " + (error.key.empty() ? "" : error.key + ": ") + error.detail;
}

Result<Config, std::vector<ConfigError>> parse_config(std::string_view yaml, std::string file_name) {
  const auto tree = parse_yaml(yaml);
  if (!tree) {
    const auto& [position, detail] = tree.error();
    return Failure{std::vector<ConfigError>{{std::move(file_name), position.line, position.column, "", detail}}};
  }
  Reader reader(std::move(file_name));
  Config config;
  read_map<Config>(reader, Value{*tree, ""}, kRootFields, config);
  auto errors = reader.take_errors();
  if (!errors.empty()) return Failure{std::move(errors)};
  return config;
}

Result<Config, std::vector<ConfigError>> load_config(const std::string& path) {
  // O_NONBLOCK: a FIFO must not hold up the agent; it is refused below.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return whole_file(path, std::string("cannot be opened: ") + std::strerror(errno));
  struct stat status {};
  const bool is_file = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  auto text = is_file ? read_bounded(fd) : Failure{std::string("not a regular file")};
  ::close(fd);
  if (!text) return whole_file(path, text.error());
  return parse_config(*text, path);
}

}  // namespace poolscope::config
