#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/cli/exit_code.h"
#include "agent/cli/measure_common.h"
#include "agent/cli/measure_plan.h"
#include "agent/cli/measure_pools.h"
#include "agent/cli/output.h"

namespace poolscope::cli {
namespace {

struct DoctorOptions {
  std::string spec;
  PoolQuestion pools;
};

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::uint64_t effective_capabilities() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) return std::stoull(line.substr(7), nullptr, 16);
  }
  return 0;
}

struct Capability {
  const char* name;
  unsigned bit;  // linux/capability.h
  const char* purpose;
};
constexpr Capability kCapabilities[] = {
    {"CAP_BPF", 39, "load BPF programs"},
    {"CAP_PERFMON", 38, "attach them, read CPU clocks"},
    {"CAP_SYS_PTRACE", 19, "look into processes of other users"},
};

std::vector<std::string> missing_capabilities() {
  const std::uint64_t held = effective_capabilities();
  std::vector<std::string> missing;
  for (const auto& capability : kCapabilities) {
    if ((held >> capability.bit & 1) == 0) missing.emplace_back(capability.name);
  }
  return missing;
}

std::string capability_text() {
  const std::uint64_t held = effective_capabilities();
  std::string text;
  for (const auto& capability : kCapabilities) {
    text += fmt::format("  {:<16} {:<8} {}\n", capability.name, held >> capability.bit & 1 ? "yes" : "MISSING",
                        capability.purpose);
  }
  return text;
}

std::string machine_text() {
  utsname machine{};
  uname(&machine);
  std::string text = fmt::format("kernel {} {}\n", machine.release, machine.machine);
  text += fmt::format("  BTF              {}\n", access("/sys/kernel/btf/vmlinux", R_OK) == 0
                                                     ? "yes"
                                                     : "MISSING: the kernel needs CONFIG_DEBUG_INFO_BTF");
  const std::string lockdown = first_line("/sys/kernel/security/lockdown");
  text += fmt::format("  lockdown         {}\n", lockdown.empty() ? "not in this kernel" : lockdown);
  text += fmt::format("  perf_event_paranoid {}, unprivileged_bpf_disabled {}\n",
                      first_line("/proc/sys/kernel/perf_event_paranoid"),
                      first_line("/proc/sys/kernel/unprivileged_bpf_disabled"));
  return text;
}

std::string how_to_grant(const std::vector<std::string>& missing) {
  std::string list, file_list;
  for (const auto& name : missing) {
    list += (list.empty() ? "" : ", ") + name;
    std::string lower = name;
    for (auto& c : lower) c = static_cast<char>(std::tolower(c));
    file_list += (file_list.empty() ? "" : ",") + lower;
  }
  return fmt::format(
      "grant {}: run as root, or\n"
      "  setcap {}=ep /path/to/poolscope\n"
      "  systemd: AmbientCapabilities={}\n",
      list, file_list, list);
}

// Of the machine; what is in a process may say no besides.
std::string collectors_text(const Result<std::unique_ptr<sampler::Probing>, attach::AttachError>& probing,
                            const std::optional<std::string>& why_not) {
  std::optional<std::string> why_no_pools = why_not;
  if (probing) {
    if (const auto programs = (*probing)->pool_programs(); !programs) why_no_pools = attach::describe(programs.error());
  }
  std::optional<std::string> why_no_share = why_not;
  if (probing && !(*probing)->cpu_samples()) why_no_share = (*probing)->cpu_samples_problem()->detail;
  std::string text = "collectors\n";
  for (const CollectorLine& line :
       {CollectorLine{"alloc_bursts", kAllocationsGive, why_not}, CollectorLine{"alloc_cohorts", kCohortsGive, why_not},
        CollectorLine{"custom_pools", "pools that a configuration describes (L2)", why_no_pools},
        CollectorLine{"go_pools", kPoolsGive, why_no_pools}, CollectorLine{"go_runtime", kRuntimeGives, why_not},
        CollectorLine{"go_growth", kGrowthGives, why_no_pools},
        CollectorLine{"cpu_share", kCpuShareGives, why_no_share}}) {
    text += collector_line(line);
  }
  return text;
}

int doctor(const DoctorOptions& options) {
  if (options.pools.asks_for_pools()) return explain_pools(options.pools);
  std::string text = "poolscope " POOLSCOPE_VERSION "\n" + machine_text() + capability_text();
  const auto missing = missing_capabilities();
  std::optional<std::string> why_not;
  if (!missing.empty()) why_not = "it may not; " + how_to_grant(missing);
  auto probing = sampler::Probing::start(probes::LoadOptions{});
  if (!probing && !why_not) why_not = attach::describe(probing.error());
  if (probing) why_not.reset();
  text += collectors_text(probing, why_not);
  if (!probing) {
    (void)print(text);
    return kExitFailed;
  }
  if (const auto& refusal = (*probing)->seccomp_refusal()) {
    text += "  alloc_cohorts is left out in processes under a seccomp filter: " + *refusal + "\n";
  }
  if (const auto& problem = (*probing)->cpu_clock_problem()) {
    text +=
        "  CPU time in bursts is told by perf counters, which hold what a hypervisor takes (st of top): rates are too "
        "low by as much: " +
        *problem + "\n";
  }
  text += price_text(**probing);
  if (!options.spec.empty() || options.pools.pid != 0) {
    const std::string spec = options.spec.empty() ? "pid:" + std::to_string(options.pools.pid) : options.spec;
    const auto target = config::parse_target_spec(spec);
    if (!target) return fail("doctor: " + target.error());
    const auto state = find_processes(*target);
    if (!state) return fail("doctor: " + state.error());
    text += "\n" + plan_text(**probing, *state, config::BudgetConfig{}, PlanWith::kNoProbes);
  }
  return print(text);
}

}  // namespace

void register_doctor_command(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("doctor", "what can be measured here, what it costs, and why not");
  const auto options = std::make_shared<DoctorOptions>();
  command->group(kGroupCheck);
  command->add_option("--target", options->spec, "also show what would be probed in PID, NAME or SPEC")
      ->type_name("SPEC");
  add_pool_question(*command, options->pools);
  command->get_option("--pid")->excludes("--target");
  command->footer(
      "With --preset or --config.file: only where those pools are in process --pid. Nothing is probed.\n"
      "Exit code 1 when nothing can be measured.");
  command->callback([options, &invocation] { invocation.run = [options] { return doctor(*options); }; });
}

}  // namespace poolscope::cli
