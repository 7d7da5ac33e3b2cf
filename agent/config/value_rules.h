#pragma once
// What a value may be, wherever it is written: in the file or on the command line. Each rule says what is
// wrong and what would be right, or nothing when the value is fine.

#include <optional>
#include <string>
#include <string_view>

namespace poolscope::config {

using Complaint = std::optional<std::string>;

inline constexpr int kMaxPid = 4'194'304;  // PID_MAX_LIMIT of 64-bit kernels

// Name of a target or value of a label: 1 to 128 bytes without control characters.
[[nodiscard]] Complaint check_display_text(std::string_view text);
[[nodiscard]] Complaint check_process_name(std::string_view name);
[[nodiscard]] Complaint check_executable_glob(std::string_view glob);
[[nodiscard]] Complaint check_command_line_regex(const std::string& regex);
[[nodiscard]] Complaint check_file_path(std::string_view path);
// Name of a function as the symbol table has it.
[[nodiscard]] Complaint check_symbol(std::string_view name);
// Prometheus rules, and none of the labels our own metrics use.
[[nodiscard]] Complaint check_label_name(std::string_view name);
// Of a file or socket: absolute, so that it means the same after SIGHUP and in whatever folder.
[[nodiscard]] Complaint check_absolute_path(std::string_view path);
[[nodiscard]] Complaint check_listen_address(std::string_view address);

}  // namespace poolscope::config
