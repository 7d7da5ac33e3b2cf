#pragma once
// Configuration of the agent: the YAML file and the command line end up in this one structure.
// docs/reference/config.md lists every key; unknown keys are an error that names line and key.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "poolscope/result.h"

namespace poolscope::config {

// Chooses processes; every condition that is given must hold.
struct Matcher {
  std::int32_t pid = 0;            // 0: any
  std::string process_name;        // comm, exact
  std::string executable_glob;     // fnmatch on the path of the executable; without '/' on its last part
  std::string command_line_regex;  // ECMAScript, searched in the arguments joined by blanks
  bool operator==(const Matcher&) const = default;
  [[nodiscard]] bool empty() const {
    return pid == 0 && process_name.empty() && executable_glob.empty() && command_line_regex.empty();
  }
};

struct TargetConfig {
  std::string name;  // empty: name of the first matching process
  Matcher match;
  bool include_children = true;      // children of matching processes that run the same executable join
  bool include_descendants = false;  // whatever they run; `poolscope run` wants it, no configuration key sets it
  std::map<std::string, std::string> labels;
};

struct BudgetConfig {
  double cpu_ratio = 0.01;      // of the target's CPU time
  double burst_slowdown = 1.5;  // the target runs at most this much slower, averaged over any burst_max_ms
  double burst_max_ms = 5;
  double follow_max_ms = 50;  // how long the objects of a cohort are followed at most
};

struct WebConfig {
  std::string listen_address = "127.0.0.1:9777";
};

struct Config {
  std::vector<TargetConfig> targets;
  BudgetConfig budget;
  WebConfig web;
  unsigned history_snapshots = 600;  // kept in memory for /api/v1/history
};

struct ConfigError {
  std::string file;
  int line = 0;  // 1-based; 0: the whole file
  int column = 0;
  std::string key;     // "budget.cpu_ratio"
  std::string detail;  // what is wrong and what would be right
};
// "poolscope.yaml:7:3: budget.cpu_ratioo: unknown key; did you mean `cpu_ratio`?"
[[nodiscard]] std::string describe(const ConfigError& error);

// All errors of the text, not only the first.
[[nodiscard]] Result<Config, std::vector<ConfigError>> parse_config(std::string_view yaml, std::string file_name);
[[nodiscard]] Result<Config, std::vector<ConfigError>> load_config(const std::string& path);

// A target from the command line: "1234", "pid:1234", "redis-server" (process name), "name:redis-server",
// "exe:/usr/bin/redis-*", "cmdline:REGEX".
[[nodiscard]] Result<TargetConfig, std::string> parse_target_spec(std::string_view spec);

}  // namespace poolscope::config
