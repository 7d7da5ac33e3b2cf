#pragma once
// ProcView: what choosing targets needs to know of the processes of this machine. The real one reads /proc, tests have
// their own.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "exporters/model/record.h"

namespace poolscope::targets {

// The cheap part: one small file per process and scan.
struct ProcessEntry {
  model::ProcessKey key;
  pid_t parent_pid = 0;
  std::string command;  // comm
  bool is_kernel_thread = false;
  bool is_zombie = false;
  // Differs after an exec, with address space randomisation or another program; constant where we may not look.
  std::uint64_t image = 0;
};

// The dear part: read once per process and exec.
struct ProcessDetails {
  std::string executable;    // empty when unreadable
  bool is_denied = false;    // executable is empty because we lack the permission
  std::string command_line;  // arguments joined by blanks, at most kMaxCommandLineBytes
};
inline constexpr std::size_t kMaxCommandLineBytes = 4096;

class ProcView {
 public:
  virtual ~ProcView() = default;
  [[nodiscard]] virtual pid_t own_pid() const = 0;
  // Every process, ascending by pid.
  [[nodiscard]] virtual std::vector<ProcessEntry> list() const = 0;
  // Empty when the process has ended since.
  [[nodiscard]] virtual ProcessDetails details(pid_t pid) const = 0;
};

[[nodiscard]] std::unique_ptr<ProcView> make_proc_view();

}  // namespace poolscope::targets
