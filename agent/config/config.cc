#include "agent/config/config.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/custom_pool_reader.h"
#include "agent/config/reader.h"
#include "agent/config/value_rules.h"
#include "agent/config/yaml_tree.h"

namespace poolscope::config {
namespace {

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
    {"enable_admin_api", [](Reader& r, const Value& v, WebConfig& w) { r.boolean(v, w.enable_admin_api); }},
    {"admin_token_file",
     [](Reader& r, const Value& v, WebConfig& w) { r.text(v, check_absolute_path, w.admin_token_file); }},
};

constexpr Field<HostedPoolsConfig> kHostedPoolsFields[] = {
    {"socket", [](Reader& r, const Value& v, HostedPoolsConfig& h) { r.text(v, check_absolute_path, h.socket); }},
    {"file", [](Reader& r, const Value& v, HostedPoolsConfig& h) { r.text(v, check_absolute_path, h.file); }},
    {"user", [](Reader& r, const Value& v, HostedPoolsConfig& h) { r.text(v, check_display_text, h.user); }},
};

constexpr Field<Config> kHistoryFields[] = {
    {"snapshots", [](Reader& r, const Value& v, Config& c) { r.integer(v, 1, 10'000, c.history_snapshots); }},
};

constexpr Field<RecordingConfig> kRecordingFields[] = {
    {"file", [](Reader& r, const Value& v, RecordingConfig& c) { r.text(v, check_file_path, c.file); }},
    {"max_bytes",
     [](Reader& r, const Value& v, RecordingConfig& c) { r.integer(v, 1 << 20, std::int64_t{1} << 40, c.max_bytes); }},
    {"files", [](Reader& r, const Value& v, RecordingConfig& c) { r.integer(v, 1, 1000, c.files); }},
};

constexpr Field<AdviceConfig> kAdviceFields[] = {
    {"state_file", [](Reader& r, const Value& v, AdviceConfig& c) { r.text(v, check_file_path, c.state_file); }},
};

constexpr Field<Config> kRootFields[] = {
    {"targets", read_targets},
    {"budget", [](Reader& r, const Value& v, Config& c) { read_map<BudgetConfig>(r, v, kBudgetFields, c.budget); }},
    {"web", [](Reader& r, const Value& v, Config& c) { read_map<WebConfig>(r, v, kWebFields, c.web); }},
    {"hosted_pools", [](Reader& r, const Value& v,
                        Config& c) { read_map<HostedPoolsConfig>(r, v, kHostedPoolsFields, c.hosted_pools); }},
    {"history", [](Reader& r, const Value& v, Config& c) { read_map<Config>(r, v, kHistoryFields, c); }},
    {"recording",
     [](Reader& r, const Value& v, Config& c) { read_map<RecordingConfig>(r, v, kRecordingFields, c.recording); }},
    {"advice", [](Reader& r, const Value& v, Config& c) { read_map<AdviceConfig>(r, v, kAdviceFields, c.advice); }},
    {"custom_pools", [](Reader& r, const Value& v, Config& c) { read_custom_pools(r, v, c.custom_pools); }},
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

Result<std::string, std::vector<ConfigError>> read_config_text(const std::string& path) {
  // O_NONBLOCK: a FIFO must not hold up the agent; it is refused below.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return whole_file(path, std::string("cannot be opened: ") + std::strerror(errno));
  struct stat status {};
  const bool is_file = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  auto text = is_file ? read_bounded(fd) : Failure{std::string("not a regular file")};
  ::close(fd);
  if (!text) return whole_file(path, text.error());
  return std::move(*text);
}

Result<Config, std::vector<ConfigError>> load_config(const std::string& path) {
  const auto text = read_config_text(path);
  if (!text) return Failure{text.error()};
  return parse_config(*text, path);
}

}  // namespace poolscope::config
