#pragma once
// GcLayout: where the Go runtime keeps the books of its garbage collector: offsets of fields in three of its variables.
//   Verified  for Go 1.19, as a table; field names may stay and meanings change from one release to the next, so a program of
//             another release is refused even when its DWARF would give offsets.
//   DWARF     of the program itself, where it has any, goes before the table: it also knows of builds with other settings.
//   Check     runtime.memstats.heapStats and gcController.totalAlloc are two independent sums of the same allocations: whoever
//             reads through a wrong layout sees them differ (go_gc_books.h).

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "probes/bpf/go_gc.h"
#include "probes/elf/elf_file.h"
#include "probes/go/build_info.h"

namespace poolscope::probes {

enum class GcVariable { kMemstats, kController, kWork };
inline constexpr std::size_t kGcVariables = 3;
// "runtime.memstats"
[[nodiscard]] const char* name_of(GcVariable variable);

struct GcWordField {
  GcVariable variable = GcVariable::kMemstats;
  const char* member = "";  // of the struct, as DWARF names it
  std::uint32_t offset = 0;
  std::uint32_t size_bytes = 8;
};

// runtime.memstats.heapStats: `generations` structs of the same shape, whose sum is the truth.
struct GcHeapLayout {
  std::uint32_t offset = 0;  // of heapStats in runtime.memstats
  std::uint32_t generations = 0;
  std::uint32_t generation_bytes = 0;
  std::uint32_t large_bytes_offset = 0;   // largeAlloc
  std::uint32_t large_count_offset = 0;   // largeAllocCount
  std::uint32_t small_counts_offset = 0;  // smallAllocCount: one count per size class
  std::uint32_t size_classes = 0;

  [[nodiscard]] std::uint32_t total_bytes() const { return generations * generation_bytes; }
  bool operator==(const GcHeapLayout&) const = default;
};

struct GcLayout {
  std::array<std::uint32_t, GO_GC_WORDS> word_offsets{};  // in the variable of gc_word_fields()
  GcHeapLayout heap;
  bool operator==(const GcLayout&) const = default;
};

// By enum go_gc_word, with the offsets of Go 1.19.
[[nodiscard]] std::span<const GcWordField, GO_GC_WORDS> gc_word_fields();
// Bytes of an object in each size class; class 0 stands for large objects.
[[nodiscard]] std::span<const std::uint16_t> gc_size_classes();
// Fields of a variable that runtime.gcMarkTermination names by address, whichever way it is compiled: how the variable is found
// in a program without symbols.
[[nodiscard]] std::span<const std::uint32_t> gc_anchor_offsets(GcVariable variable);

// Nothing for a release whose layout nobody has verified.
[[nodiscard]] std::optional<GcLayout> gc_layout_of(go::GoVersion version);
// "the layout of go1.22 is not verified; ..."
[[nodiscard]] std::string unverified_text(const std::string& version_text);

// As the DWARF of the file or its debug file says; nothing when it has none, or lacks one of the fields.
[[nodiscard]] std::optional<GcLayout> gc_layout_from_dwarf(const elf::ElfFile& file);

}  // namespace poolscope::probes
