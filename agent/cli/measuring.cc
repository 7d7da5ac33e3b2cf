#include "agent/cli/measure_common.h"

namespace poolscope::cli {

void register_measuring_commands(CLI::App& app, Invocation& invocation) {
  register_run_command(app, invocation);
  register_attach_command(app, invocation);
  register_agent_command(app, invocation);
  register_doctor_command(app, invocation);
}

}  // namespace poolscope::cli
