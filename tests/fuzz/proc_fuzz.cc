// Any text as the other files of /proc/PID that are parsed: stat, status, cmdline, auxv, the links, the head of exe.
#include <cstdint>
#include <string>
#include <string_view>

#include "probes/process/proc_text.h"
#include "tests/fuzz/fuzz_check.h"

using namespace poolscope::process;

namespace {

// Whatever a program calls itself, the fields behind its name stay those of the kernel.
void check_comm_cannot_forge(std::string_view comm) {
  const std::string line = "7 (" + std::string(comm) + ") S 3 1 1 0 -1 64 0 0 0 0 5 6 0 0 20 0 2 0 99 0\n";
  const auto stat = parse_stat(line);
  FUZZ_CHECK(stat && stat->command == comm && stat->parent_pid == 3 && stat->start_time_ticks == 99);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_comm_cannot_forge(text);
  if (const auto stat = parse_stat(text)) FUZZ_CHECK(stat->command.size() < text.size());
  (void)parse_status(text);
  (void)parse_boot_time_seconds(text);
  (void)is_x86_64_elf(text);
  (void)find_auxv(text, 9);

  std::size_t bytes = 0;
  for (const std::string& argument : parse_command_line(text)) bytes += argument.size();
  FUZZ_CHECK(bytes <= text.size());

  std::string path(text);
  const bool was_deleted = strip_deleted(path);
  FUZZ_CHECK(path.size() == text.size() - (was_deleted ? 10 : 0));
  return 0;
}
