#include <chrono>
#include <csignal>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "agent/cli/exit_code.h"
#include "agent/cli/measure_common.h"
#include "agent/cli/output.h"
#include "agent/cli/progress.h"
#include "agent/sampler/exact_session.h"
#include "agent/targets/pool_specs.h"
#include "probes/process/launcher.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::cli {
namespace {

using process::FollowEvent;
using process::Launcher;

struct RunOptions {
  std::vector<std::string> command;
  bool exact = false;
  std::string config_file;
  std::string record_file;
  BudgetOptions budget_options;
  MeasuringConfig measuring;
  ReportOutput output;
};

std::string name_of(const std::vector<std::string>& command) {
  return command.front().substr(command.front().rfind('/') + 1);
}

// The report goes to stderr, stdout is the program's. A report that cannot be written is our failure, told on stderr;
// the program's exit code stays what the caller gets.
int finish(const model::Snapshot& snapshot, const RunOptions& options, int program_exit_code) {
  const int emitted = emit_report(snapshot, options.output, STDERR_FILENO);
  return program_exit_code != 0 ? program_exit_code : emitted;
}

// Ctrl-C reaches the program by itself, being in our process group; a signal sent to us alone does not.
void forward_once(const Launcher& launcher, bool& forwarded) {
  if (forwarded || StopSignals::signal() != SIGTERM) return;
  launcher.forward(SIGTERM);
  forwarded = true;
}

int run_sampled(sampler::Probing& probing, const RunOptions& options) {
  auto recorder = start_recorder(options.record_file);
  if (!recorder) return fail("run: " + recorder.error());
  auto launcher = Launcher::start(options.command, Launcher::Mode::kPlain);
  if (!launcher) {
    fail("run: " + process::describe(launcher.error()));
    return process::exit_code(launcher.error());
  }
  config::Config config;
  config::TargetConfig target;
  target.name = name_of(options.command);
  target.match.pid = (*launcher)->pid();
  target.include_descendants = true;
  config.targets = {target};
  config.budget = options.measuring.budget;
  config.custom_pools = options.measuring.custom_pools;
  auto sampler = sampler::Sampler::create(probing, config, sampler::Sampler::Pace::kLook, recorder->get());
  if (!sampler) return fail("run: " + sampler.error());
  Moments moments(**sampler, recorder->get());
  const StopSignals signals;
  std::optional<int> exit_code;
  bool forwarded = false;
  (*sampler)->run(std::numeric_limits<std::uint64_t>::max(), [&] {
    exit_code = (*launcher)->wait_for(std::chrono::milliseconds(0));
    forward_once(**launcher, forwarded);
    moments.keep_up();
    if (exit_code) (*sampler)->stop();
  });
  const bool unseen = !(*sampler)->monitors().front()->has_data();
  const model::Snapshot snapshot = (*sampler)->snapshot();
  finish_recording(recorder->get());
  const int result = finish(snapshot, options, exit_code.value_or(kExitFailed));
  if (unseen)
    fail("run: the program ended before it could be looked at; `run --exact` traces it from its first instruction");
  return result;
}

// Places or removes probes as the program and its descendants come and go.
void on_event(const FollowEvent& event, Launcher& launcher, sampler::ExactSession& session) {
  switch (event.kind) {
    case FollowEvent::Kind::kReadyAfterExec:
      if (const auto why = session.add(event.pid)) fail("run: " + *why);
      launcher.resume(event.pid);
      break;
    case FollowEvent::Kind::kForked:
      if (!event.shares_memory) {
        if (const auto why = session.add(event.pid)) fail("run: " + *why);
      }
      launcher.resume(event.pid);
      break;
    case FollowEvent::Kind::kExited:
      session.remove(event.pid);
      break;
    case FollowEvent::Kind::kTimeout:
    case FollowEvent::Kind::kAllExited:
      break;
  }
}

int run_exact(sampler::Probing& probing, const RunOptions& options) {
  auto recorder = start_recorder(options.record_file);
  if (!recorder) return fail("run: " + recorder.error());
  probing.set_custom_pools(targets::pool_specs(options.measuring.custom_pools));
  auto session = sampler::ExactSession::start(probing);
  if (!session) return fail("run: " + session.error());
  auto launcher = Launcher::start(options.command, Launcher::Mode::kFollow);
  if (!launcher) {
    fail("run: " + process::describe(launcher.error()));
    return process::exit_code(launcher.error());
  }
  const StopSignals signals;
  constexpr std::uint64_t kKeepUpNs = 50'000'000;
  std::uint64_t keep_up_due_ns = 0;
  bool forwarded = false;
  while (true) {
    const FollowEvent event = (*launcher)->next_event(std::chrono::milliseconds(50));
    on_event(event, **launcher, **session);
    // The program is what was asked for; descendants that outlive it go on unwatched.
    if (event.kind == FollowEvent::Kind::kAllExited || (*launcher)->exit_code()) break;
    forward_once(**launcher, forwarded);
    if (process::monotonic_ns() >= keep_up_due_ns) {
      (*session)->keep_up();
      keep_up_due_ns = process::monotonic_ns() + kKeepUpNs;
    }
  }
  const model::Snapshot snapshot = (*session)->snapshot(name_of(options.command), recorder->get());
  finish_recording(recorder->get());
  return finish(snapshot, options, (*launcher)->exit_code().value_or(kExitFailed));
}

int run(RunOptions options) {
  auto measuring = measuring_config(options.config_file, options.budget_options);
  if (!measuring) return fail("run: " + measuring.error());
  options.measuring = std::move(*measuring);
  auto probing = sampler::Probing::start(options.exact ? sampler::exact_load_options() : probes::LoadOptions{});
  if (!probing) return fail(attach::describe(probing.error()));
  return options.exact ? run_exact(**probing, options) : run_sampled(**probing, options);
}

}  // namespace

void register_run_command(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("run", "start a program, watch it until it ends, print the report");
  const auto options = std::make_shared<RunOptions>();
  command->group(kGroupMeasure);
  command->add_flag("--exact", options->exact, "trace every allocation and free, also of children; no budget");
  add_record_option(*command, options->record_file);
  add_config_file_option(*command, options->config_file);
  add_budget_options(*command, options->budget_options);
  add_report_output_options(*command, options->output);
  command->add_option("command", options->command, "the program and its arguments, after --")
      ->required()
      ->type_name("")
      ->option_text("-- CMD...");
  command->positionals_at_end();
  command->footer(
      "The report goes to stderr, or to the file of -o; the exit code is that of CMD.\n"
      "Examples:\n"
      "  poolscope run -- ./service --port 8080\n"
      "  poolscope run --exact -o report.json -- ./test");
  command->callback([options, &invocation] { invocation.run = [options] { return run(*options); }; });
}

}  // namespace poolscope::cli
