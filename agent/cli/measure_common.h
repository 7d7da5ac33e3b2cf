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
#include "exporters/recording/recorder.h"
#include "poolscope/result.h"

namespace poolscope::cli {

void register_run_command(CLI::App& app, Invocation& invocation);
void register_attach_command(CLI::App& app, Invocation& invocation);
void register_agent_command(CLI::App& app, Invocation& invocation);
void register_doctor_command(CLI::App& app, Invocation& invocation);

// Options `--budget.*`; what is not given comes from the configuration.
struct BudgetOptions {
  std::optional<double> cpu_ratio, burst_slowdown, burst_max_ms;
};
void add_budget_options(CLI::App& command, BudgetOptions& budget);

// Option `--config.file` of commands that watch one target.
void add_config_file_option(CLI::App& command, std::string& config_file);
// The configuration in `path`, or all its errors in one text.
[[nodiscard]] Result<config::Config, std::string> read_config_file(const std::string& path);

// What those commands take of a configuration.
struct MeasuringConfig {
  std::vector<config::CustomPool> custom_pools;
  config::BudgetConfig budget;
};
// `file`: "" is one without entries. Options come before it.
[[nodiscard]] Result<MeasuringConfig, std::string> measuring_config(const std::string& file,
                                                                    const BudgetOptions& budget);

// Option `--record`.
CLI::Option* add_record_option(CLI::App& command, std::string& path);
// The recorder of `path`; none when it is empty.
[[nodiscard]] Result<std::unique_ptr<recording::Recorder>, std::string> start_recorder(
    const std::string& path, const recording::FileLimits& limits = {});
// Keeps moments in a recording while somebody takes a look: call it whenever the sampler is idle.
class Moments {
 public:
  Moments(sampler::Sampler& sampler, recording::Recorder* recorder);
  void keep_up();

 private:
  sampler::Sampler& sampler_;
  recording::Recorder* recorder_;
  std::uint64_t due_ns_ = 0;
};
// The report of what was measured here and now, advice included.
[[nodiscard]] int emit_advised(model::Snapshot snapshot, const ReportOutput& output, int fd = STDOUT_FILENO);
// Ends the recording; what went wrong with it is told on stderr.
void finish_recording(recording::Recorder* recorder);

// How often snapshots are made; by an agent that has many targets more rarely (agent/budget/upkeep_pace.h).
inline constexpr std::uint64_t kPublishNs = 2'000'000'000, kLongestPublishNs = 10'000'000'000;

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
