#pragma once
// /proc/PID/maps as the kernel writes it, and ways to open the mapped files themselves (never a host path by name).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolscope/result.h"
#include "probes/process/process.h"

namespace poolscope::process {

struct Mapping {
  std::uint64_t start = 0, end = 0;  // addresses in the process
  std::uint64_t file_offset = 0;
  std::uint64_t inode = 0;   // 0: anonymous
  std::uint64_t device = 0;  // makedev(major, minor)
  bool readable = false, writable = false, executable = false;
  bool deleted = false;  // the path ended in " (deleted)"
  std::string path;      // as the kernel writes it: may hold blanks, a newline is \012; empty when anonymous
};

// Parses the text of a maps file. Lines that do not parse are skipped and counted in `bad_lines`.
struct MapsText {
  std::vector<Mapping> mappings;
  unsigned bad_lines = 0;
};
[[nodiscard]] MapsText parse_maps(std::string_view text);

// A file mapped executable: one entry per (device, inode).
struct MappedObject {
  std::string path;  // as the target names it
  bool deleted = false;
  std::uint64_t device = 0, inode = 0;
  std::vector<Mapping> code;  // its executable mappings, ascending
};

[[nodiscard]] Result<std::vector<Mapping>, ProcessError> read_maps(pid_t pid);
[[nodiscard]] std::vector<MappedObject> executable_objects(const std::vector<Mapping>& mappings);

// Path through which the kernel opens the very file that is mapped: /proc/PID/map_files/START-END where permitted, else
// /proc/PID/root + path when that still is the same inode. Nothing when neither works.
[[nodiscard]] std::optional<std::string> open_path(pid_t pid, const MappedObject& object);

}  // namespace poolscope::process
