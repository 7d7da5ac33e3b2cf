// The measuring commands of a poolscope without eBPF: they exist, so that the help is the same everywhere, and say how
// to get them.

#include <array>

#include "agent/cli/commands.h"
#include "agent/cli/output.h"

namespace poolscope::cli {
namespace {

struct Command {
  const char* name;
  const char* description;
};
int no_bpf(const std::string& command) {
  return fail(command + ": this poolscope was built without eBPF; rebuild with -DPOOLSCOPE_BPF=ON");
}

constexpr std::array<Command, 4> kCommands = {{
    {"run", "start a program, watch it until it ends, print the report"},
    {"attach", "watch a running process, print the report"},
    {"agent", "watch services and serve metrics; the daemon"},
    {"doctor", "tell what can be measured here, and why not"},
}};

}  // namespace

void register_measuring_commands(CLI::App& app, Invocation& invocation) {
  for (const auto& [name, description] : kCommands) {
    CLI::App* command = app.add_subcommand(name, description);
    command->group(std::string(kGroupMeasure) + " (needs eBPF, which this build does not have)");
    command->prefix_command();
    command->callback([name, &invocation] { invocation.run = [name] { return no_bpf(name); }; });
  }
}

int record_process(const RecordOptions&) {
  return no_bpf("record");
}

}  // namespace poolscope::cli
