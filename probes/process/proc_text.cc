#include "probes/process/proc_text.h"

#include <charconv>
#include <cstring>

#include <elf.h>

namespace poolscope::process {
namespace {

// PF_KTHREAD of include/linux/sched.h; part of /proc/PID/stat, so it is as good as ABI.
constexpr std::uint32_t kKernelThreadFlag = 0x00200000;

template <typename T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// Takes the next piece up to `separator` off the front of `rest`.
std::string_view next_piece(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return piece;
}

// Fields 3, 4, ... of /proc/PID/stat, numbered as proc(5) does.
struct StatFields {
  static constexpr int kFirst = 3, kLast = 28;
  std::string_view fields[kLast + 1];

  explicit StatFields(std::string_view rest) {
    for (int i = kFirst; i <= kLast && !rest.empty(); ++i) fields[i] = next_piece(rest, ' ');
  }
  template <typename T>
  bool get(int number, T& value) const {
    return parse_number(fields[number], value);
  }
};

}  // namespace

bool StatText::is_kernel_thread() const {
  return (flags & kKernelThreadFlag) != 0;
}

bool StatText::is_zombie() const {
  return (state == 'Z' && threads <= 1) || state == 'X' || state == 'x';
}

std::optional<StatText> parse_stat(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  // The comm may hold blanks and parentheses, the fields behind it cannot: the last ')' ends it.
  const std::size_t open = text.find(" (");
  const std::size_t close = text.rfind(") ");
  if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2) return std::nullopt;

  StatText stat;
  stat.command = text.substr(open + 2, close - open - 2);
  const StatFields fields(text.substr(close + 2));
  if (fields.fields[3].size() != 1) return std::nullopt;
  stat.state = fields.fields[3][0];
  const bool complete = parse_number(text.substr(0, open), stat.pid) && fields.get(4, stat.parent_pid) &&
                        fields.get(9, stat.flags) && fields.get(10, stat.minor_faults) &&
                        fields.get(14, stat.user_ticks) && fields.get(15, stat.system_ticks) &&
                        fields.get(16, stat.children_user_ticks) && fields.get(17, stat.children_system_ticks) &&
                        fields.get(20, stat.threads) && fields.get(22, stat.start_time_ticks);
  if (!complete) return std::nullopt;
  fields.get(23, stat.address_space_bytes);
  fields.get(26, stat.start_code);
  fields.get(27, stat.end_code);
  fields.get(28, stat.start_stack);
  return stat;
}

std::optional<StatusText> parse_status(std::string_view text) {
  StatusText status;
  bool has_process_id = false, has_parent = false;
  // The kernel escapes newlines in Name, so a line that starts with a key is that key.
  while (!text.empty()) {
    std::string_view value = next_piece(text, '\n');
    const std::string_view key = next_piece(value, ':');
    while (!value.empty() && (value.front() == '\t' || value.front() == ' ')) value.remove_prefix(1);
    unsigned seccomp = 0;
    if (key == "Tgid") has_process_id = parse_number(value, status.process_id);
    if (key == "PPid") has_parent = parse_number(value, status.parent_pid);
    if (key == "Seccomp" && parse_number(value, seccomp)) {
      status.seccomp = seccomp == 0 ? SeccompMode::kNone : seccomp == 1 ? SeccompMode::kStrict : SeccompMode::kFilter;
    }
  }
  if (!has_process_id || !has_parent) return std::nullopt;
  return status;
}

std::vector<std::string> parse_command_line(std::string_view text) {
  std::vector<std::string> arguments;
  while (!text.empty()) arguments.emplace_back(next_piece(text, '\0'));
  return arguments;
}

bool strip_deleted(std::string& path) {
  constexpr std::string_view kSuffix = " (deleted)";
  if (!path.ends_with(kSuffix)) return false;
  path.resize(path.size() - kSuffix.size());
  return true;
}

bool is_x86_64_elf(std::string_view head) {
  if (head.size() < kElfHeadBytes || std::memcmp(head.data(), ELFMAG, SELFMAG) != 0) return false;
  std::uint16_t machine = 0;
  std::memcpy(&machine, head.data() + offsetof(Elf64_Ehdr, e_machine), sizeof(machine));
  return head[EI_CLASS] == ELFCLASS64 && head[EI_DATA] == ELFDATA2LSB && machine == EM_X86_64;
}

std::optional<std::uint64_t> find_auxv(std::string_view text, std::uint64_t type) {
  for (; text.size() >= sizeof(Elf64_auxv_t); text.remove_prefix(sizeof(Elf64_auxv_t))) {
    Elf64_auxv_t entry;
    std::memcpy(&entry, text.data(), sizeof(entry));
    if (entry.a_type == type) return entry.a_un.a_val;
    if (entry.a_type == AT_NULL) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> parse_boot_time_seconds(std::string_view text) {
  constexpr std::string_view kKey = "btime ";
  while (!text.empty()) {
    std::string_view line = next_piece(text, '\n');
    if (!line.starts_with(kKey)) continue;
    line.remove_prefix(kKey.size());
    std::uint64_t seconds = 0;
    if (parse_number(line, seconds)) return seconds;
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace poolscope::process
