#include "probes/attach/open_way.h"

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
namespace {

struct OwnPlace {
  std::string path;  // empty: not found
  std::uint64_t file_offset = 0;
};

OwnPlace find_own_place() {
  const auto address = reinterpret_cast<std::uint64_t>(&poolscope_nobody_calls_this);
  const auto mappings = process::read_maps(::getpid());
  if (!mappings) return {};
  for (const auto& mapping : *mappings) {
    if (address < mapping.start || address >= mapping.end) continue;
    return {fmt::format("/proc/self/map_files/{:x}-{:x}", mapping.start, mapping.end),
            address - mapping.start + mapping.file_offset};
  }
  return {};
}

}  // namespace

void OpenWay::open() {
  static const OwnPlace place = find_own_place();
  if (place.path.empty()) return;
  auto links = attach_uprobes(method_, ProbeKind::kEntry, program_fd_, ::getpid(), place.path, {{place.file_offset, 0}},
                              "a function of poolscope");
  opened_ns_ = process::monotonic_ns();
  if (!links) return;
  for (UniqueFd& link : *links) links_.push_back(std::move(link));
}

void OpenWay::wait_for_random_moment(std::mt19937_64& random) {
  open();
  if (links_.empty()) return;
  const auto wait_ns = std::uniform_int_distribution<std::uint64_t>(0, kLongestWaitNs)(random);
  process::sleep_until_ns(process::monotonic_ns() + wait_ns);
}

void OpenWay::keep_open() {
  if (opened_ns_ != 0 && process::monotonic_ns() >= opened_ns_ + kOpenNs) open();
}

UprobeLinks OpenWay::take_links() {
  return std::exchange(links_, {});
}

}  // namespace poolscope::attach
