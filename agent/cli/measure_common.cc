#include "agent/cli/measure_common.h"

#include <algorithm>
#include <atomic>
#include <csignal>

#include <fmt/format.h>

#include "agent/advice/adviser.h"
#include "agent/advice/measure_prices.h"
#include "agent/estimate/summarize.h"
#include "agent/targets/target_set.h"
#include "probes/process/monotonic_clock.h"
#include "probes/process/process.h"

namespace poolscope::cli {
namespace {

std::atomic<int> stop_signal{0};
std::atomic<bool> reload_requested{false};

void remember(int signal) {
  if (signal == SIGHUP) {
    reload_requested.store(true, std::memory_order_relaxed);
  } else {
    stop_signal.store(signal, std::memory_order_relaxed);
  }
}

void handle(void (*handler)(int)) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, handler);
}

}  // namespace

StopSignals::StopSignals() {
  handle(remember);
}
StopSignals::~StopSignals() {
  handle(SIG_DFL);
}
bool StopSignals::requested() {
  return signal() != 0;
}
int StopSignals::signal() {
  return stop_signal.load(std::memory_order_relaxed);
}
bool StopSignals::take_reload_request() {
  return reload_requested.exchange(false, std::memory_order_relaxed);
}

CLI::Option* add_record_option(CLI::App& command, std::string& path) {
  return command.add_option("--record", path, "keep all records there, for `poolscope report FILE`")->type_name("FILE");
}

Result<std::unique_ptr<recording::Recorder>, std::string> start_recorder(const std::string& path,
                                                                         const recording::FileLimits& limits) {
  if (path.empty()) return std::unique_ptr<recording::Recorder>();
  return recording::Recorder::create(path, limits);
}

int emit_advised(model::Snapshot snapshot, const ReportOutput& output, int fd) {
  const sizing::Prices prices = snapshot.agent.prices ? *snapshot.agent.prices : advice::measure_prices();
  advice::advise_once(snapshot, prices);
  return emit_report(snapshot, output, fd);
}

Moments::Moments(sampler::Sampler& sampler, recording::Recorder* recorder) : sampler_(sampler), recorder_(recorder) {
  if (recorder_ != nullptr) sampler_.set_prices(advice::measure_prices());
}

void Moments::keep_up() {
  if (recorder_ == nullptr || process::monotonic_ns() < due_ns_) return;
  due_ns_ = process::monotonic_ns() + kPublishNs;
  (void)sampler_.snapshot();
}

void finish_recording(recording::Recorder* recorder) {
  if (recorder == nullptr) return;
  recorder->close();
  if (const auto problem = recorder->take_problem()) fail(*problem);
}

void add_config_file_option(CLI::App& command, std::string& config_file) {
  command.add_option("--config.file", config_file, "configuration whose `custom_pools:` and `budget:` are taken")
      ->type_name("FILE");
}

Result<config::Config, std::string> read_config_file(const std::string& path) {
  auto loaded = config::load_config(path);
  if (loaded) return std::move(*loaded);
  std::string text = "the configuration has errors:";
  for (const auto& error : loaded.error()) text += "\n  " + config::describe(error);
  return Failure{text};
}

void add_budget_options(CLI::App& command, BudgetOptions& budget) {
  const auto add = [&](const char* name, std::optional<double>& value, CLI::Range range, const char* unit,
                       double otherwise, const char* help) {
    command.add_option(name, value, help)
        ->check(std::move(range))
        ->type_name(unit)
        ->default_str(fmt::format("{}", otherwise));
  };
  const config::BudgetConfig defaults;
  add("--budget.cpu-ratio", budget.cpu_ratio, CLI::Range(0.0001, 0.5), "RATIO", defaults.cpu_ratio,
      "share of the target's CPU time that probes may take");
  add("--budget.burst-slowdown", budget.burst_slowdown, CLI::Range(1.05, 10.0), "FACTOR", defaults.burst_slowdown,
      "how much slower the target may run inside a burst");
  add("--budget.burst-max-ms", budget.burst_max_ms, CLI::Range(0.1, 50.0), "MS", defaults.burst_max_ms,
      "how long hot functions stay probed in one go");
}

Result<MeasuringConfig, std::string> measuring_config(const std::string& file, const BudgetOptions& budget) {
  MeasuringConfig result;
  if (!file.empty()) {
    auto config = read_config_file(file);
    if (!config) return Failure{config.error()};
    result.custom_pools = std::move(config->custom_pools);
    result.budget = config->budget;
  }
  result.budget.cpu_ratio = budget.cpu_ratio.value_or(result.budget.cpu_ratio);
  result.budget.burst_slowdown = budget.burst_slowdown.value_or(result.budget.burst_slowdown);
  result.budget.burst_max_ms = budget.burst_max_ms.value_or(result.budget.burst_max_ms);
  return result;
}

Result<targets::TargetState, std::string> find_processes(const config::TargetConfig& target) {
  if (target.match.pid != 0) {
    const auto status = process::check_observable(target.match.pid);
    if (!status) return Failure{process::describe(status.error())};
  }
  auto set = targets::TargetSet::create({target});
  if (!set) return Failure{targets::describe(set.error())};
  auto states = set->update();
  if (const auto& problem = states.front().problem) {
    if (problem->reason != targets::TargetProblem::Reason::kNoProcess) return Failure{problem->detail};
    return Failure{"no process matches " + targets::describe(target.match) +
                   "; start it first, or let `poolscope agent` wait for it"};
  }
  return std::move(states.front());
}

std::string waiting_for(const sampler::Sampler& sampler) {
  std::size_t most = 0;
  for (const auto& monitor : sampler.monitors()) most = std::max(most, monitor->bursts());
  const auto plans_bursts = [](const auto& monitor) { return monitor->plans_bursts(); };
  if (std::ranges::none_of(sampler.monitors(), plans_bursts)) return "reading what the runtime counts";
  // Rate bursts and cohorts take turns, and both need as many.
  constexpr std::size_t kWanted = 2 * estimate::kBurstsForInterval;
  if (most >= kWanted) return fmt::format("{} bursts taken", most);
  return fmt::format("{} more bursts until intervals can be given", kWanted - most);
}

}  // namespace poolscope::cli
