#pragma once
// The commands of poolscope. Each register_*() adds one command (or a few) to the application; the command that was
// chosen puts what it would do into Invocation::run, so that nothing happens before the whole command line is known.
// A command that finds its arguments wrong while parsing throws CLI::ValidationError: main() turns it into exit code 2.
// Everything else comes back as an exit code; what went wrong was then told on stderr.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/App.hpp>

#include "agent/cli/report_output.h"
#include "exporters/model/time_point.h"

namespace poolscope::cli {

struct Invocation {
  std::function<int()> run;
};

// Headings of `poolscope --help`.
inline constexpr const char* kGroupMeasure = "Measure";
inline constexpr const char* kGroupLook = "Look at what was measured";
inline constexpr const char* kGroupCheck = "Check";
inline constexpr const char* kGroupPools = "Pools that services share";

inline constexpr const char* kDefaultAgentUrl = "http://127.0.0.1:9777";

struct ReportOptions {
  std::vector<std::string> sources;  // a file, "-" or a URL; or several recordings
  model::TimeSpan span;
  ReportOutput output;
};
[[nodiscard]] int cmd_report(const ReportOptions& options);
void register_report_command(CLI::App& app, Invocation& invocation);

struct RecordOptions {
  std::string source;  // URL of an agent, or a process
  std::string file;
  std::optional<std::chrono::nanoseconds> duration;
};
void register_record_command(CLI::App& app, Invocation& invocation);
// Of a process; where poolscope is built without eBPF it says how to get it.
[[nodiscard]] int record_process(const RecordOptions& options);

struct CompareOptions {
  std::string base, fresh;    // files or URLs, one of them may be "-"
  std::string criteria_file;  // empty: none
  std::vector<std::pair<std::string, std::string>> pairs;
  std::chrono::nanoseconds sample = std::chrono::minutes(1);  // of a recording
  ReportOutput output;
};
// kExitFailed also when a criterion is missed.
[[nodiscard]] int cmd_compare(const CompareOptions& options);
void register_compare_command(CLI::App& app, Invocation& invocation);

struct TopOptions {
  std::string address = kDefaultAgentUrl;
  std::chrono::nanoseconds interval = std::chrono::seconds(1);
  bool once = false;
};
[[nodiscard]] int cmd_top(const TopOptions& options);
void register_top_command(CLI::App& app, Invocation& invocation);

// `file` may be "-".
[[nodiscard]] int cmd_check_config(const std::string& file);
void register_check_config_command(CLI::App& app, Invocation& invocation);

// run, attach, agent and doctor. Defined once: by measuring.cmake where poolscope is built with eBPF, otherwise by
// commands that say how to get them.
void register_measuring_commands(CLI::App& app, Invocation& invocation);

// pools serve, list and resize.
void register_pools_command(CLI::App& app, Invocation& invocation);

}  // namespace poolscope::cli
