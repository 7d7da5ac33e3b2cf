// poolscope: parses the command line, runs one command, turns every failure into a message and an exit code.

#include <csignal>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/output.h"
#include "agent/cli/terminal.h"
#include "agent/config/nearest.h"

namespace poolscope::cli {
namespace {

constexpr std::size_t kHelpColumn = 24;
constexpr std::size_t kMaxShownBytes = 64;

constexpr const char* kExamples =
    "Examples:\n"
    "  poolscope run -- ./service --port 8080     watch a program from start to end\n"
    "  poolscope attach redis-server --for 30s    watch one that is running\n"
    "  poolscope agent --target redis-server      keep watching; metrics on http://127.0.0.1:9777/metrics\n"
    "  poolscope top                              see what that agent sees\n"
    "\n"
    "`poolscope COMMAND --help` tells the options. Exit codes: 0 ok, 1 failed, 2 usage.";

void describe_application(CLI::App& app) {
  app.set_help_flag("-h,--help", "this text");
  app.set_version_flag("--version", "poolscope " POOLSCOPE_VERSION, "the version");
  app.require_subcommand(1);
  app.get_formatter()->column_width(kHelpColumn);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.footer(kExamples);
}

// The first word that could have been meant as a command.
std::string_view command_word(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (!argument.starts_with('-')) return argument;
  }
  return {};
}

std::string unknown_command(const CLI::App& app, std::string_view word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto near = config::nearest(word, known);
  return "unknown command `" + printable(word, kMaxShownBytes) + "`" +
         (near ? "; did you mean `" + std::string(*near) + "`?" : "");
}

int usage_error(const CLI::App& app, const std::vector<std::string>& arguments, const CLI::ParseError& error) {
  const auto chosen = app.get_subcommands();
  std::string command;
  std::string message;
  if (!chosen.empty()) {
    command = " " + chosen.front()->get_name();
    message = chosen.front()->get_name() + ": " + error.what();
  } else if (const std::string_view word = command_word(arguments); !word.empty()) {
    message = unknown_command(app, word);
  } else if (!arguments.empty()) {
    message = "unknown option `" + printable(arguments.front(), kMaxShownBytes) + "`";
  } else {
    (void)print(app.help(), STDERR_FILENO);
    return kExitUsage;
  }
  fail(message + "\nsee `poolscope" + command + " --help`");
  return kExitUsage;
}

int run_command_line(int argc, char** argv) {
  CLI::App app("poolscope watches running services: what they allocate, how long it lives, what pooling would gain.",
               "poolscope");
  Invocation invocation;
  describe_application(app);
  register_measuring_commands(app, invocation);
  register_top_command(app, invocation);
  register_report_command(app, invocation);
  register_record_command(app, invocation);
  register_compare_command(app, invocation);
  register_pools_command(app, invocation);
  register_check_config_command(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return print(app.help());
  } catch (const CLI::CallForVersion& version) {
    return print(version.what() + std::string("\n"));
  } catch (const CLI::ParseError& error) {
    return usage_error(app, {argv + 1, argv + argc}, error);
  }
  return invocation.run();
}

}  // namespace
}  // namespace poolscope::cli

int main(int argc, char** argv) {
  using namespace poolscope::cli;
  open_missing_standard_streams();
  // A reader that goes away shows as EPIPE where we write, a file size limit as EFBIG. Programs that poolscope starts
  // get the defaults back.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return run_command_line(argc, argv);
  } catch (const std::exception& error) {
    return fail(std::string("internal error: ") + error.what());
  }
}
