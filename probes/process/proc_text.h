#pragma once
// Parsers of what /proc writes about a process: pure functions of text, so that they can be tested and fuzzed.
//   Hostile   a program chooses its comm, its arguments and its paths. No parser reads past the text, and none takes a
//             crafted comm ("x) S 1 1") for the fields behind it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "probes/process/process.h"

namespace poolscope::process {

struct StatText {
  pid_t pid = 0;
  std::string command;  // as written between the outer parentheses
  char state = '?';
  pid_t parent_pid = 0;
  std::uint32_t flags = 0;  // PF_* of the kernel
  std::uint64_t minor_faults = 0;
  std::uint64_t user_ticks = 0, system_ticks = 0;
  std::uint64_t children_user_ticks = 0,
                children_system_ticks = 0;  // of children that ended and were waited for, and of theirs
  unsigned threads = 0;
  std::uint64_t start_time_ticks = 0;
  std::uint64_t address_space_bytes = 0;
  // Addresses of the running image; 0 or 1 where we may not read the memory of the process.
  std::uint64_t start_code = 0, end_code = 0, start_stack = 0;

  [[nodiscard]] bool is_kernel_thread() const;
  // Nothing runs any more. A zombie main thread whose other threads still run is no zombie process.
  [[nodiscard]] bool is_zombie() const;
};
// Nothing when a field up to the start time is missing or no number.
[[nodiscard]] std::optional<StatText> parse_stat(std::string_view text);

struct StatusText {
  pid_t process_id = 0;  // Tgid
  pid_t parent_pid = 0;
  SeccompMode seccomp = SeccompMode::kNone;  // also when the kernel has no seccomp
};
// Nothing when Tgid or PPid is missing.
[[nodiscard]] std::optional<StatusText> parse_status(std::string_view text);

// Arguments of /proc/PID/cmdline; the last one needs no terminator (setproctitle writes none).
[[nodiscard]] std::vector<std::string> parse_command_line(std::string_view text);

// Takes " (deleted)" off the end of a path of /proc; true when it was there.
bool strip_deleted(std::string& path);

// Do these first bytes of a file say: 64-bit little-endian ELF for x86-64?
[[nodiscard]] bool is_x86_64_elf(std::string_view head);
inline constexpr std::size_t kElfHeadBytes = 20;  // up to and with e_machine

// Value of `type` in the text of /proc/PID/auxv of a 64-bit program. In that of a 32-bit program no type is
// ever found, as each of its entries is one word of ours.
[[nodiscard]] std::optional<std::uint64_t> find_auxv(std::string_view text, std::uint64_t type);

// Seconds since 1970 at which the machine started, from /proc/stat.
[[nodiscard]] std::optional<std::uint64_t> parse_boot_time_seconds(std::string_view text);

}  // namespace poolscope::process
