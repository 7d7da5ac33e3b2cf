#pragma once
// What run, attach, agent and doctor share.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/cli/commands.h"
#include "agent/config/config.h"
#include "agent/sampler/probing.h"
#include "agent/sampler/sampler.h"
#include "poolscope/result.h"

namespace poolscope::cli {

void register_run_command(CLI::App& app, Invocation& invocation);
void register_attach_command(CLI::App& app, Invocation& invocation);
void register_agent_command(CLI::App& app, Invocation& invocation);
void register_doctor_command(CLI::App& app, Invocation& invocation);

// Options `--budget.*`, with the defaults of the configuration.
void add_budget_options(CLI::App& command, config::BudgetConfig& budget);

// Option `--config.file` of commands that watch one target: the pools that it describes.
void add_custom_pools_option(CLI::App& command, std::string& config_file);
// The configuration in `path`, or all its errors in one text.
[[nodiscard]] Result<config::Config, std::string> read_config_file(const std::string& path);
// The same for an option that need not be given: then no pools.
[[nodiscard]] Result<std::vector<config::CustomPool>, std::string> read_custom_pools(const std::string& path);

// While it lives, SIGINT and SIGTERM set requested() instead of ending the process; SIGHUP sets reload_requested().
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  [[nodiscard]] static bool requested();
  // The signal that asked to stop; 0 when none did.
  [[nodiscard]] static int signal();
  // True once per SIGHUP.
  [[nodiscard]] static bool take_reload_request();
};

// The processes a specification means now, or the sentence that says why there is none.
[[nodiscard]] Result<targets::TargetState, std::string> find_processes(const config::TargetConfig& target);

// How many bursts a report still needs until it has intervals.
[[nodiscard]] std::string waiting_for(const sampler::Sampler& sampler);

}  // namespace poolscope::cli
