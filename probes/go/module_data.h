#pragma once
// ModuleData: the runtime's own map of a Go program (runtime.firstmoduledata), as far as we need it: code and types.
//   Found    in .go.module (Go 1.26+), else by its first word, which points to the .gopclntab header; the words behind
//            it must fit together as one module. Works in stripped programs.
//   Layouts  of Go 1.16 to 1.26; only 1.19 is verified here.

#include <cstdint>
#include <optional>

#include "probes/elf/image.h"
#include "probes/go/file_memory.h"

namespace poolscope::go {

struct ModuleData {
  std::uint64_t address = 0;
  std::uint64_t text_start = 0;  // what offsets of functions count from
  std::uint64_t text_end = 0;
  std::uint64_t types_start = 0;  // what offsets of names and types count from
  std::uint64_t types_end = 0;
};

// Where .gopclntab lies. `has_coverage_counters`: the layout of Go 1.20 and later.
struct ModuleDataQuery {
  std::uint64_t table_address = 0;
  std::uint64_t table_bytes = 0;
  bool has_coverage_counters = false;
};

[[nodiscard]] std::optional<ModuleData> find_module_data(const elf::Image& image, const FileMemory& memory,
                                                         const ModuleDataQuery& query);

}  // namespace poolscope::go
