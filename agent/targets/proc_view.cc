#include "agent/targets/proc_view.h"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

#include "probes/process/proc_file.h"
#include "probes/process/proc_text.h"
#include "probes/process/process.h"

namespace poolscope::targets {
namespace {

constexpr std::size_t kMaxStatBytes = 4096;

std::uint64_t image_of(const process::StatText& stat) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;  // spreads the bits, so that the sum tells the three apart
  return (stat.start_code * kOdd + stat.end_code) * kOdd + stat.start_stack;
}

class RealProcView final : public ProcView {
 public:
  pid_t own_pid() const override { return ::getpid(); }

  std::vector<ProcessEntry> list() const override {
    std::vector<ProcessEntry> entries;
    for (const pid_t pid : process::list_pids()) {
      const auto text = process::read_proc_file(process::proc_path(pid, "stat"), kMaxStatBytes);
      const auto stat = text ? process::parse_stat(*text) : std::nullopt;
      if (!stat) continue;  // ended since it was listed
      entries.push_back({.key = {pid, stat->start_time_ticks},
                         .parent_pid = stat->parent_pid,
                         .command = stat->command,
                         .is_kernel_thread = stat->is_kernel_thread(),
                         .is_zombie = stat->is_zombie(),
                         .image = image_of(*stat)});
    }
    return entries;
  }

  ProcessDetails details(pid_t pid) const override {
    ProcessDetails details;
    if (auto executable = process::read_proc_link(process::proc_path(pid, "exe"))) {
      details.executable = *std::move(executable);
      process::strip_deleted(details.executable);
    } else {
      details.is_denied = executable.error() == EACCES || executable.error() == EPERM;
    }
    if (auto text = process::read_proc_file(process::proc_path(pid, "cmdline"), kMaxCommandLineBytes)) {
      details.command_line = *std::move(text);
      while (details.command_line.ends_with('\0')) details.command_line.pop_back();
      std::replace(details.command_line.begin(), details.command_line.end(), '\0', ' ');
    }
    return details;
  }
};

}  // namespace

std::unique_ptr<ProcView> make_proc_view() {
  return std::make_unique<RealProcView>();
}

}  // namespace poolscope::targets
