#include "probes/attach/unlocked_start.h"

#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "probes/process/maps.h"
#include "probes/process/monotonic_clock.h"

extern "C" [[gnu::noinline, gnu::used]] void poolscope_nobody_calls_this() {
  asm volatile("nop; nop; nop; nop");
}

namespace poolscope::attach {

UprobeLinks wait_for_random_moment(AttachMethod method, int program_fd, std::mt19937_64& random) {
  const auto address = reinterpret_cast<std::uint64_t>(&poolscope_nobody_calls_this);
  const auto mappings = process::read_maps(::getpid());
  if (!mappings) return {};
  for (const auto& mapping : *mappings) {
    if (address < mapping.start || address >= mapping.end) continue;
    const std::string path = fmt::format("/proc/self/map_files/{:x}-{:x}", mapping.start, mapping.end);
    auto links = attach_uprobes(method, ProbeKind::kEntry, program_fd, ::getpid(), path,
                                {{address - mapping.start + mapping.file_offset, 0}}, "a function of poolscope");
    if (!links) return {};
    process::sleep_until_ns(process::monotonic_ns() +
                            std::uniform_int_distribution<std::uint64_t>(0, kLongestWaitNs)(random));
    return std::move(*links);
  }
  return {};
}

}  // namespace poolscope::attach
