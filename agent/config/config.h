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
  bool enable_admin_api = false;  // POST /api/v1/pools/NAME
  std::string admin_token_file;   // who knows what it holds may use that
};

// The host of hosted pools that belongs to this agent.
struct HostedPoolsConfig {
  std::string socket;  // where it listens; empty: the default of `poolscope pools`
  std::string file;    // its pools: the agent starts it; empty: somebody else does
  std::string user;    // whom it runs as; an agent of root must say so
};

// A function of a pool. Arguments count from 1, a C++ method's `this` included; 0: not given.
struct PoolFunction {
  std::string name;              // the symbol, as `nm` shows it
  unsigned size_argument = 0;    // bytes asked for, at a get
  unsigned object_argument = 0;  // what is taken or put back
  unsigned pool_argument = 0;    // address that tells pools with the same functions apart
  bool optional = false;         // a program without it has no such calls: nothing is missing from the counts
  bool operator==(const PoolFunction&) const = default;
};

// Pools of native programs, described by the functions that work on them.
struct CustomPool {
  std::string name;
  std::string executable_glob;     // the process runs this; empty: whatever it runs
  std::string object_glob;         // the mapped file that holds the functions; empty: the executable itself
  std::vector<PoolFunction> get;   // at least one
  std::vector<PoolFunction> put;   // empty: puts are not measured; the same for the others
  std::vector<PoolFunction> miss;  // called once per get that found nothing
  std::vector<PoolFunction> grow;  // called when a borrowed object gets larger
  bool operator==(const CustomPool&) const = default;
};

struct RecordingConfig {
  std::string file;                                    // empty: nothing is recorded
  std::uint64_t max_bytes = std::uint64_t{256} << 20;  // of one file
  unsigned files = 4;                                  // this one and those before it
  bool operator==(const RecordingConfig&) const = default;
};

struct AdviceConfig {
  std::string state_file;  // what was advised, and what became of it; empty: forgotten with the agent
};

struct Config {
  std::vector<TargetConfig> targets;
  BudgetConfig budget;
  WebConfig web;
  HostedPoolsConfig hosted_pools;
  RecordingConfig recording;
  AdviceConfig advice;
  unsigned history_snapshots = 600;      // kept in memory for /api/v1/history
  std::vector<CustomPool> custom_pools;  // presets as the pools they stand for
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
// The text of a configuration file, whatever it configures: a regular file, at most one byte more than any parser takes.
[[nodiscard]] Result<std::string, std::vector<ConfigError>> read_config_text(const std::string& path);

// Presets: descriptions of well-known programs that poolscope brings along, files of presets/.
[[nodiscard]] std::vector<std::string_view> preset_names();
[[nodiscard]] Result<std::vector<CustomPool>, std::string> preset_pools(std::string_view name);

// A target from the command line: "1234", "pid:1234", "redis-server" (process name), "name:redis-server",
// "exe:/usr/bin/redis-*", "cmdline:REGEX".
[[nodiscard]] Result<TargetConfig, std::string> parse_target_spec(std::string_view spec);

}  // namespace poolscope::config
