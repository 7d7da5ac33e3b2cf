#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/input.h"
#include "agent/cli/output.h"
#include "agent/config/config.h"

namespace poolscope::cli {
namespace {

constexpr std::size_t kMaxStdinBytes = std::size_t{2} << 20;  // more than parse_config() takes: it tells the limit

using ConfigOrErrors = Result<config::Config, std::vector<config::ConfigError>>;

ConfigOrErrors load(const std::string& file) {
  if (file != "-") return config::load_config(file);
  const auto text = read_input(file, kMaxStdinBytes);
  if (!text) return Failure{std::vector<config::ConfigError>{{"stdin", 0, 0, "", text.error()}}};
  return config::parse_config(*text, "stdin");
}

std::string list_of(const std::vector<config::ConfigError>& errors) {
  std::string list;
  for (const auto& error : errors) list += config::describe(error) + "\n";
  return list + "poolscope: check-config: " + std::to_string(errors.size()) +
         (errors.size() == 1 ? " error" : " errors") + "; docs/reference/config.md lists every key\n";
}

}  // namespace

int cmd_check_config(const std::string& file) {
  const auto config = load(file);
  if (config) return print((file == "-" ? "stdin" : file) + ": OK\n");
  // The errors are the result; when even stderr fails, the exit code still tells.
  (void)write_all(STDERR_FILENO, list_of(config.error()));
  return kExitUsage;
}

void register_check_config_command(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("check-config", "check a configuration file, show all its errors");
  const auto file = std::make_shared<std::string>();
  command->group(kGroupCheck);
  command->add_option("FILE", *file, "the YAML file of the agent, - for stdin")->required()->option_text(" ");
  command->footer("Exit code 0: the agent takes this file; 2: it has errors.");
  command->callback([file, &invocation] { invocation.run = [file] { return cmd_check_config(*file); }; });
}

}  // namespace poolscope::cli
