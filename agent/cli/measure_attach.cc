#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "agent/cli/duration.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/measure_common.h"
#include "agent/cli/measure_plan.h"
#include "agent/cli/output.h"
#include "agent/cli/progress.h"
#include "agent/sampler/exact_session.h"
#include "agent/targets/pool_specs.h"
#include "probes/process/monotonic_clock.h"
#include "probes/process/process.h"

namespace poolscope::cli {
namespace {

struct AttachOptions {
  std::string command = "attach";  // or "record", which prints no report
  std::string spec;
  std::chrono::nanoseconds duration = std::chrono::seconds(30);
  bool plan_only = false;
  bool exact = false;
  std::string config_file;
  std::string record_file;
  BudgetOptions budget_options;
  MeasuringConfig measuring;
  ReportOutput output;
};

constexpr std::chrono::hours kUntilStopped(10 * 365 * 24);

std::uint64_t deadline_after(std::chrono::nanoseconds duration) {
  return process::monotonic_ns() + static_cast<std::uint64_t>(duration.count());
}

int attach_sampled(sampler::Probing& probing, const config::TargetConfig& target, const AttachOptions& options) {
  config::Config config;
  config.targets = {target};
  config.budget = options.measuring.budget;
  config.custom_pools = options.measuring.custom_pools;
  auto recorder = start_recorder(options.record_file);
  if (!recorder) return fail(options.command + ": " + recorder.error());
  using Pace = sampler::Sampler::Pace;
  const bool only_records = options.command == "record";
  const Pace pace = only_records ? Pace::kWatch : Pace::kLook;
  auto sampler = sampler::Sampler::create(probing, config, pace, recorder->get());
  if (!sampler) return fail(options.command + ": " + sampler.error());
  {
    Moments moments(**sampler, recorder->get());
    const StopSignals signals;
    Progress progress(options.command + " " + options.spec, options.duration);
    (*sampler)->run(deadline_after(options.duration), [&] {
      progress.update(waiting_for(**sampler));
      moments.keep_up();
      if (StopSignals::requested() || (*sampler)->all_targets_gone()) (*sampler)->stop();
    });
  }
  model::Snapshot snapshot = (*sampler)->snapshot();
  finish_recording(recorder->get());
  return only_records ? kExitOk : emit_advised(std::move(snapshot), options.output);
}

// Processes that join the target, forked children for the most part, are found by looking at /proc a few times a second.
int attach_exact(sampler::Probing& probing, const config::TargetConfig& target, const AttachOptions& options) {
  auto set = targets::TargetSet::create({target});
  if (!set) return fail(options.command + ": " + targets::describe(set.error()));
  probing.set_custom_pools(targets::pool_specs(options.measuring.custom_pools));
  auto recorder = start_recorder(options.record_file);
  if (!recorder) return fail(options.command + ": " + recorder.error());
  auto session = sampler::ExactSession::start(probing);
  if (!session) return fail(options.command + ": " + session.error());
  const StopSignals signals;
  Progress progress("attach --exact " + options.spec, options.duration);
  const std::uint64_t end_ns = deadline_after(options.duration);
  std::string name;
  bool had_process = false;
  for (std::uint64_t now = process::monotonic_ns(); now < end_ns && !StopSignals::requested();
       now = process::monotonic_ns()) {
    const targets::TargetState state = set->update().front();
    name = state.name;
    if (had_process && state.processes.empty()) break;
    had_process |= !state.processes.empty();
    for (const auto& key : state.left) (*session)->remove(key.pid);
    for (const auto* keys : {&state.joined, &state.execed}) {
      for (const auto& key : *keys) {
        if (const auto why = (*session)->add(key.pid)) fail(options.command + ": " + *why);
      }
    }
    (*session)->keep_up();
    progress.update("every event is traced");
    process::sleep_until_ns(std::min(end_ns, process::monotonic_ns() + 100'000'000));
  }
  progress.erase();
  model::Snapshot snapshot = (*session)->snapshot(name, recorder->get());
  finish_recording(recorder->get());
  return emit_advised(std::move(snapshot), options.output);
}

int attach(AttachOptions options) {
  auto measuring = measuring_config(options.config_file, options.budget_options);
  if (!measuring) return fail(options.command + ": " + measuring.error());
  options.measuring = std::move(*measuring);
  const auto target = config::parse_target_spec(options.spec);
  if (!target) return fail(options.command + ": " + target.error());
  const auto state = find_processes(*target);
  if (!state) return fail(options.command + ": " + state.error());
  auto probing = sampler::Probing::start(options.exact ? sampler::exact_load_options() : probes::LoadOptions{});
  if (!probing) return fail(attach::describe(probing.error()));
  if (options.plan_only) {
    const std::string plan = plan_text(**probing, *state, options.measuring.budget, PlanWith::kFirstLook);
    return print(plan + price_text(**probing));
  }
  return options.exact ? attach_exact(**probing, *target, options) : attach_sampled(**probing, *target, options);
}

}  // namespace

int record_process(const RecordOptions& options) {
  AttachOptions attaching;
  attaching.spec = options.source;
  attaching.command = "record";
  attaching.record_file = options.file;
  attaching.duration = options.duration.value_or(kUntilStopped);
  return attach(std::move(attaching));
}

void register_attach_command(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("attach", "watch a running process, print the report");
  const auto options = std::make_shared<AttachOptions>();
  command->group(kGroupMeasure);
  command->add_option("target", options->spec, "a pid, a process name, or exe:GLOB, cmdline:REGEX")
      ->required()
      ->type_name("")
      ->option_text("PID|NAME|SPEC");
  add_duration_option(*command, "--for", options->duration, std::chrono::milliseconds(100),
                      "how long to watch, default 30s");
  auto* plan = command->add_flag("--plan", options->plan_only,
                                 "print what would be probed, the rate now, and what watching would cost");
  command->add_flag("--exact", options->exact, "trace every allocation and free; no budget: slows the target a lot");
  add_record_option(*command, options->record_file)->excludes(plan);
  add_config_file_option(*command, options->config_file);
  add_budget_options(*command, options->budget_options);
  add_report_output_options(*command, options->output);
  command->footer(
      "Examples:\n"
      "  poolscope attach redis-server --for 30s\n"
      "  poolscope attach 1234 --plan\n"
      "  poolscope attach 'cmdline:postgres.*main' --for 1m -o postgres.md");
  command->callback([options, &invocation] { invocation.run = [options] { return attach(*options); }; });
}

}  // namespace poolscope::cli
