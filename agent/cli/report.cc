#include <memory>
#include <optional>

#include "agent/cli/commands.h"
#include "agent/cli/output.h"
#include "agent/cli/recording_input.h"
#include "agent/cli/snapshot_input.h"

namespace poolscope::cli {

namespace {

void add_time_option(CLI::App& app, const std::string& name, std::optional<model::TimePoint>& time,
                     const std::string& description) {
  const auto read = [&time](const std::string& text) {
    const auto parsed = model::parse_time_point(text);
    if (!parsed) throw CLI::ValidationError(parsed.error());
    time = *parsed;
  };
  app.add_option_function<std::string>(name, read, description)->type_name("TIME");
}

}  // namespace

int cmd_report(const ReportOptions& options) {
  const auto snapshot = options.sources.size() == 1 ? load_snapshot(options.sources.front(), options.span)
                                                    : load_recordings(options.sources, options.span);
  if (!snapshot) return fail("report: " + snapshot.error());
  return emit_report(*snapshot, options.output);
}

void register_report_command(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("report", "print the report of a file, a recording or a running agent");
  const auto options = std::make_shared<ReportOptions>();
  command->group(kGroupLook);
  command
      ->add_option("FILE|URL", options->sources,
                   "a JSON report, - for stdin, the URL of an agent, a recording, or several: as one, also as a folder")
      ->required()
      ->option_text(" ");
  add_time_option(*command, "--from", options->span.from,
                  "what was measured since then: -90s before the end, or unix seconds");
  add_time_option(*command, "--to", options->span.to, "what was known then; default: the end of the recording, or now");
  add_report_output_options(*command, options->output);
  command->footer(
      "Examples:\n"
      "  poolscope report http://127.0.0.1:9777\n"
      "  poolscope report http://127.0.0.1:9777 -o today.md\n"
      "  poolscope report today.json --json | jq .targets[].name\n"
      "  poolscope report night.poolscope --from -1h");
  command->callback([options, &invocation] { invocation.run = [options] { return cmd_report(*options); }; });
}

}  // namespace poolscope::cli
