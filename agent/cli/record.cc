// record: what a running agent measures, or a process that nobody watches yet, to a file.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <poll.h>

#include "agent/cli/commands.h"
#include "agent/cli/duration.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/output.h"
#include "agent/cli/progress.h"
#include "agent/cli/stop_fd.h"
#include "agent/client/agent_records.h"
#include "agent/client/fetch.h"
#include "exporters/recording/recording_file.h"

namespace poolscope::cli {
namespace {

using Clock = std::chrono::steady_clock;
using recording::RecordingFile;

constexpr std::chrono::milliseconds kStep(100);

// True when the process is told to end before that.
bool wait_until(Clock::time_point time, int stop_fd, Progress& progress) {
  while (Clock::now() < time) {
    pollfd stop{stop_fd, POLLIN, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Clock::now());
    if (::poll(&stop, 1, static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), kStep).count())) > 0)
      return true;
    progress.update("records");
  }
  return false;
}

std::optional<std::string> ask(client::AgentRecords& records) {
  auto answer = client::fetch_url(records.next_url(), nullptr);
  return answer ? records.take(std::move(*answer)) : std::optional(answer.error());
}

// Why it ended early, if it did.
std::optional<std::string> record_until(client::AgentRecords& records, std::optional<std::chrono::nanoseconds> duration,
                                        int stop_fd, Progress& progress) {
  // What is recorded begins before the first answer.
  if (auto problem = ask(records)) return problem;
  const Clock::time_point end =
      duration ? Clock::now() + std::chrono::duration_cast<Clock::duration>(*duration) : Clock::time_point::max();
  for (;;) {
    // the first chunk ends with the second moment
    const Clock::time_point next = records.has_chunks() ? Clock::now() + client::AgentRecords::kAskEvery : Clock::now();
    const bool is_stopped = wait_until(std::min(next, end), stop_fd, progress);
    const bool is_last = is_stopped || (Clock::now() >= end && records.has_chunks());
    if (auto problem = ask(records)) return problem;
    if (is_last) return std::nullopt;
  }
}

int record_agent(const RecordOptions& options) {
  auto file = RecordingFile::create(options.file, {});
  if (!file) return fail("record: " + file.error());
  const UniqueFd stop = stop_signals_fd();
  if (!stop) return fail("record: no signalfd");
  client::AgentRecords records(options.source, **file);
  std::optional<std::string> problem;
  {
    Progress progress("record " + options.source, options.duration);
    problem = record_until(records, options.duration, stop.get(), progress);
  }
  if (auto other = (*file)->finish(); other && !problem) problem = std::move(other);
  if (records.missing_ns() > 0) {
    fail("record: " + format_duration(std::chrono::nanoseconds(records.missing_ns())) +
         " are missing: the agent was started again, or did not answer for too long");
  }
  if (problem)
    return fail("record: " + *problem + (records.has_chunks() ? "; what came before is in " + options.file : ""));
  return kExitOk;
}

}  // namespace

void register_record_command(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("record", "keep what an agent measures, or a process does, in a file");
  const auto options = std::make_shared<RecordOptions>();
  const auto duration = std::make_shared<std::chrono::nanoseconds>();
  command->group(kGroupLook);
  command
      ->add_option("source", options->source, "the URL of an agent; or a pid, a process name, exe:GLOB, cmdline:REGEX")
      ->required()
      ->type_name("")
      ->option_text("URL|PID|NAME|SPEC");
  command->add_option("-o,--output", options->file, "the recording, for `poolscope report FILE`")
      ->required()
      ->type_name("FILE");
  auto* limit = add_duration_option(*command, "--duration", *duration, std::chrono::milliseconds(100),
                                    "how long; default: until Ctrl-C");
  command->footer(
      "Examples:\n"
      "  poolscope record http://127.0.0.1:9777 -o night.poolscope --duration 8h\n"
      "  poolscope record redis-server -o redis.poolscope");
  command->callback([=, &invocation] {
    if (limit->count() > 0) options->duration = *duration;
    invocation.run = [options] {
      return client::is_url(options->source) ? record_agent(*options) : record_process(*options);
    };
  });
}

}  // namespace poolscope::cli
