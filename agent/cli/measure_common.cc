#include "agent/cli/measure_common.h"

#include <algorithm>
#include <atomic>
#include <csignal>

#include <fmt/format.h>

#include "agent/estimate/summarize.h"
#include "agent/targets/target_set.h"
#include "probes/process/process.h"

namespace poolscope::cli {
namespace {

std::atomic<int> stop_signal{0};
std::atomic<bool> reload{false};

void remember(int signal) {
  if (signal == SIGHUP) {
    reload.store(true, std::memory_order_relaxed);
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
  return reload.exchange(false, std::memory_order_relaxed);
}

void add_custom_pools_option(CLI::App& command, std::string& config_file) {
  command.add_option("--config.file", config_file, "configuration whose `custom_pools:` are looked for")
      ->type_name("FILE");
}

Result<config::Config, std::string> read_config_file(const std::string& path) {
  auto loaded = config::load_config(path);
  if (loaded) return std::move(*loaded);
  std::string text = "the configuration has errors:";
  for (const auto& error : loaded.error()) text += "\n  " + config::describe(error);
  return Failure{text};
}

Result<std::vector<config::CustomPool>, std::string> read_custom_pools(const std::string& path) {
  if (path.empty()) return std::vector<config::CustomPool>{};
  auto config = read_config_file(path);
  if (!config) return Failure{config.error()};
  return std::move(config->custom_pools);
}

void add_budget_options(CLI::App& command, config::BudgetConfig& budget) {
  command.add_option("--budget.cpu-ratio", budget.cpu_ratio, "share of the target's CPU time that probes may take")
      ->check(CLI::Range(0.0001, 0.5))
      ->type_name("RATIO")
      ->capture_default_str();
  command
      .add_option("--budget.burst-slowdown", budget.burst_slowdown, "how much slower the target may run inside a burst")
      ->check(CLI::Range(1.05, 10.0))
      ->type_name("FACTOR")
      ->capture_default_str();
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
