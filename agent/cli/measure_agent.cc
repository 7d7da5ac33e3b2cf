#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "agent/api/server.h"
#include "agent/budget/upkeep_pace.h"
#include "agent/cli/advice_book.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/hosted_pools.h"
#include "agent/cli/measure_common.h"
#include "agent/cli/output.h"
#include "agent/sampler/both_sinks.h"
#include "agent/sampler/snapshot_store.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::cli {
namespace {

struct AgentOptions {
  std::string config_file;
  std::string listen_address;  // empty: from the configuration
  std::string record_file;     // the same
  std::string advice_file;     // the same
  std::vector<std::string> targets;
  bool enable_admin_api = false;
  std::string admin_token_file;  // empty: from the configuration
};

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void say(const std::string& line) {
  (void)print("poolscope: " + line + "\n", STDERR_FILENO);
}

// The file first, then what the command line adds.
Result<config::Config, std::string> read_config(const AgentOptions& options) {
  config::Config config;
  if (!options.config_file.empty()) {
    auto loaded = read_config_file(options.config_file);
    if (!loaded) return loaded;
    config = std::move(*loaded);
  }
  for (const auto& spec : options.targets) {
    auto target = config::parse_target_spec(spec);
    if (!target) return Failure{target.error()};
    config.targets.push_back(std::move(*target));
  }
  if (!options.listen_address.empty()) config.web.listen_address = options.listen_address;
  if (!options.record_file.empty()) config.recording.file = options.record_file;
  if (!options.advice_file.empty()) config.advice.state_file = options.advice_file;
  if (options.enable_admin_api) config.web.enable_admin_api = true;
  if (!options.admin_token_file.empty()) config.web.admin_token_file = options.admin_token_file;
  if (config.targets.empty()) {
    return Failure{std::string("nothing to watch: give --target SPEC, or `targets:` in the file of --config.file")};
  }
  return config;
}

// SIGHUP: a configuration that is bad leaves the old one in force.
void reload(const AgentOptions& options, sampler::Sampler& sampler, sampler::SnapshotStore& store) {
  auto config = read_config(options);
  std::string why;
  if (!config) {
    why = config.error();
  } else if (auto applied = sampler.reload(*config); !applied) {
    why = applied.error();
  }
  store.set_reload(why.empty(), unix_seconds());
  say(why.empty() ? "configuration reloaded" : "configuration not reloaded, the old one stays: " + why);
}

// What the targets are and why some are not there, told once per change.
class TargetLog {
 public:
  void tell(const model::Snapshot& snapshot) {
    std::vector<std::string> lines;
    for (const auto& target : snapshot.targets) {
      if (!target.processes.empty()) {
        lines.push_back(fmt::format("target {}: {} process(es)", target.name, target.processes.size()));
      } else if (!target.collectors.empty()) {
        lines.push_back(fmt::format("target {}: {}", target.name, target.collectors.front().detail));
      }
    }
    for (const auto& target : snapshot.targets) {
      for (const auto& collector : target.collectors) tell_of(target.name, collector);
    }
    for (const auto& line : lines) {
      if (std::find(told_.begin(), told_.end(), line) == told_.end()) say(line);
    }
    told_ = std::move(lines);
  }

 private:
  // Each change of state or reason, with the sentence of that moment.
  void tell_of(const std::string& target, const model::CollectorStatus& collector) {
    auto& before = collectors_[target + ", " + collector.name];
    std::string now = fmt::format("{}{}{}", model::state_name(collector.state), collector.reason.empty() ? "" : ": ",
                                  collector.reason);
    if (now == before) return;
    const bool is_start = before.empty() && collector.reason == "starting";
    before = std::move(now);
    if (is_start) return;
    say(fmt::format("target {}, {}: {}{}{}", target, collector.name, before, collector.detail.empty() ? "" : ": ",
                    collector.detail));
  }

  std::vector<std::string> told_;
  std::map<std::string, std::string> collectors_;  // what was told last
};

// A recording that fails goes on failing the same way: told once.
class RecordingLog {
 public:
  void tell(recording::Recorder* recorder) {
    auto problem = recorder == nullptr ? std::nullopt : recorder->take_problem();
    if (!problem || *problem == told_) return;
    say("not recorded: " + *problem);
    told_ = *std::move(problem);
  }

 private:
  std::string told_;
};

int serve(sampler::Sampler& sampler, sampler::SnapshotStore& store, recording::Recorder* recorder, AdviceBook& advice,
          std::optional<host::HostProcess>& host, const AgentOptions& options) {
  const StopSignals signals;
  TargetLog log;
  RecordingLog recording_log;
  budget::UpkeepPace pace(kPublishNs, kLongestPublishNs);
  std::uint64_t publish_due_ns = 0;
  sampler.run(std::numeric_limits<std::uint64_t>::max(), [&] {
    if (StopSignals::take_reload_request()) reload(options, sampler, store);
    if (StopSignals::requested()) return sampler.stop();
    store.answer_range([&](const model::TimeRange& range) {
      auto snapshot = sampler.snapshot(range);
      if (snapshot) advice.advise_range(*snapshot);
      return snapshot;
    });
    if (process::monotonic_ns() < publish_due_ns) return;
    const std::uint64_t cpu_before_ns = process::clock_ns(CLOCK_THREAD_CPUTIME_ID);
    if (const auto line = host ? host->tend(std::chrono::steady_clock::now()) : std::nullopt) say(*line);
    model::Snapshot snapshot = sampler.snapshot();
    advice.advise(snapshot, sampler);
    log.tell(snapshot);
    recording_log.tell(recorder);
    store.publish(std::move(snapshot));
    pace.took(process::clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_before_ns);
    publish_due_ns = process::monotonic_ns() + pace.interval_ns();
    if (sampler.ready()) store.set_ready();
  });
  store.stop_answering();
  advice.save();
  if (recorder != nullptr) (void)sampler.snapshot();  // what came since the last one
  finish_recording(recorder);
  say("stopped");
  return kExitOk;
}

int agent(const AgentOptions& options) {
  const auto config = read_config(options);
  if (!config) {
    fail("agent: " + config.error());
    return kExitUsage;
  }
  const auto admin = make_pool_admin(*config);
  if (!admin) {
    fail("agent: " + admin.error());
    return kExitUsage;
  }
  auto host = start_host(config->hosted_pools);
  if (!host) return fail("agent: " + host.error());
  sampler::SnapshotStore store(config->history_snapshots);
  store.set_reload(true, unix_seconds());
  // Before the server starts its threads: calibration forks.
  auto probing = sampler::Probing::start(probes::LoadOptions{});
  if (!probing) return fail(attach::describe(probing.error()));
  auto recorder = start_recorder(config->recording.file, {config->recording.max_bytes, config->recording.files});
  if (!recorder) return fail("agent: " + recorder.error());
  auto advice = AdviceBook::open(config->advice.state_file);
  if (!advice) return fail("agent: " + advice.error());
  sampler::BothSinks sinks(recorder->get(), store.tail());
  auto sampler = sampler::Sampler::create(**probing, *config, sampler::Sampler::Pace::kWatch, &sinks);
  if (!sampler) return fail("agent: " + sampler.error());
  (*sampler)->set_prices(advice->prices());
  auto server = api::Server::start(config->web.listen_address, store, *admin);
  if (!server) return fail("agent: " + api::describe(server.error()));
  say("listening on " + (*server)->url());
  if (*recorder) say("recording to " + config->recording.file);
  return serve(**sampler, store, recorder->get(), *advice, *host, options);
}

}  // namespace

void register_agent_command(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("agent", "watch services and serve metrics; the daemon");
  const auto options = std::make_shared<AgentOptions>();
  command->group(kGroupMeasure);
  command->add_option("--config.file", options->config_file, "YAML configuration; SIGHUP reads it again")
      ->type_name("FILE");
  command->add_option("--web.listen-address", options->listen_address, "where to serve; default 127.0.0.1:9777")
      ->type_name("HOST:PORT");
  command->add_flag("--web.enable-admin-api", options->enable_admin_api,
                    "let who has the token resize hosted pools by POST /api/v1/pools/NAME");
  command
      ->add_option("--web.admin-token-file", options->admin_token_file,
                   "the file, readable by you alone, with that token")
      ->type_name("FILE");
  command->add_option("--target", options->targets, "PID, NAME, exe:GLOB or cmdline:REGEX; may be repeated")
      ->type_name("SPEC");
  add_record_option(*command, options->record_file);
  command
      ->add_option("--advice.state-file", options->advice_file,
                   "keep what was advised there, and what came of it, over restarts")
      ->type_name("FILE");
  command->footer(
      "Examples:\n"
      "  poolscope agent --target redis-server\n"
      "  poolscope agent --config.file /etc/poolscope/config.yaml");
  command->callback([options, &invocation] { invocation.run = [options] { return agent(*options); }; });
}

}  // namespace poolscope::cli
