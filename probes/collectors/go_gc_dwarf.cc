// The layout of the garbage collector's books as the DWARF of a program describes it.

#include <cstdlib>
#include <cstring>
#include <map>
#include <string_view>

#include <dwarf.h>

#include "probes/collectors/go_gc_layout.h"
#include "probes/go/dwarf_units.h"

namespace poolscope::probes {
namespace {

constexpr std::size_t kMaxEntries = 8'000'000;  // looked at, of all units
constexpr std::size_t kMaxMembers = 256;        // of one struct
constexpr std::uint64_t kCountBytes = 8;

struct Struct {
  std::uint64_t size_bytes = 0;
  std::map<std::string, std::uint64_t, std::less<>> offsets;  // by member
};
using Structs = std::map<std::string_view, Struct>;

constexpr std::string_view kHeapStats = "runtime.consistentHeapStats";
constexpr std::string_view kGeneration = "runtime.heapStatsDelta";
constexpr std::size_t kWantedStructs = kGcVariables + 2;

std::string_view type_of(GcVariable variable) {
  switch (variable) {
    case GcVariable::kMemstats:
      return "runtime.mstats";
    case GcVariable::kController:
      return "runtime.gcControllerState";
    case GcVariable::kWork:
      return "runtime.workType";
  }
  std::abort();
}

// The name as a constant, which outlives the file; empty when it is none of ours.
std::string_view wanted(std::string_view name) {
  for (const std::string_view each : {type_of(GcVariable::kMemstats), type_of(GcVariable::kController),
                                      type_of(GcVariable::kWork), kHeapStats, kGeneration}) {
    if (each == name) return each;
  }
  return {};
}

Struct read_struct(const go::DwarfUnits& units, Dwarf_Die& die) {
  Struct result;
  result.size_bytes = go::dwarf_number(die, DW_AT_byte_size).value_or(0);
  Dwarf_Die member;
  if (dwarf_child(&die, &member) != 0) return result;
  for (std::size_t count = 0; count < kMaxMembers; ++count) {
    const std::string_view name = units.name_of(member);
    const auto offset = go::dwarf_number(member, DW_AT_data_member_location);
    if (dwarf_tag(&member) == DW_TAG_member && !name.empty() && offset && *offset < result.size_bytes)
      result.offsets.emplace(name, *offset);
    if (dwarf_siblingof(&member, &member) != 0) break;
  }
  return result;
}

Structs read_structs(const elf::Image& image) {
  Structs found;
  const auto units = go::DwarfUnits::open(image);
  if (!units) return found;
  units->for_each(kMaxEntries, [&](Dwarf_Die& die) {
    if (dwarf_tag(&die) != DW_TAG_structure_type) return true;
    const std::string_view ours = wanted(units->name_of(die));
    if (!ours.empty()) found.emplace(ours, read_struct(*units, die));
    return found.size() < kWantedStructs;
  });
  return found;
}

class Offsets {
 public:
  explicit Offsets(const Structs& structs) : structs_(structs) {}

  std::uint32_t of(std::string_view type, std::string_view member) {
    const auto found = structs_.find(type);
    if (found != structs_.end()) {
      const auto offset = found->second.offsets.find(member);
      if (offset != found->second.offsets.end()) return static_cast<std::uint32_t>(offset->second);
    }
    all_found_ = false;
    return 0;
  }
  std::uint32_t size_of(std::string_view type) {
    const auto found = structs_.find(type);
    if (found != structs_.end()) return static_cast<std::uint32_t>(found->second.size_bytes);
    all_found_ = false;
    return 0;
  }
  [[nodiscard]] bool all_found() const { return all_found_; }

 private:
  const Structs& structs_;
  bool all_found_ = true;
};

GcHeapLayout heap_layout(Offsets& offsets) {
  GcHeapLayout heap;
  const std::uint32_t first = offsets.of(kHeapStats, "stats");
  heap.offset = offsets.of(type_of(GcVariable::kMemstats), "heapStats") + first;
  heap.generation_bytes = offsets.size_of(kGeneration);
  // `gen` follows the array of generations, `largeFree` that of the counts
  if (heap.generation_bytes != 0) heap.generations = (offsets.of(kHeapStats, "gen") - first) / heap.generation_bytes;
  heap.large_bytes_offset = offsets.of(kGeneration, "largeAlloc");
  heap.large_count_offset = offsets.of(kGeneration, "largeAllocCount");
  heap.small_counts_offset = offsets.of(kGeneration, "smallAllocCount");
  heap.size_classes = static_cast<std::uint32_t>(
      (offsets.of(kGeneration, "largeFree") - std::uint64_t{heap.small_counts_offset}) / kCountBytes);
  return heap;
}

// What the sums of a heap event rely on; DWARF is foreign data.
bool is_usable(const GcHeapLayout& heap) {
  const std::uint64_t end = heap.small_counts_offset + heap.size_classes * kCountBytes;
  return heap.size_classes == gc_size_classes().size() && heap.generations > 0 && end <= heap.generation_bytes &&
         heap.large_bytes_offset + kCountBytes <= heap.generation_bytes &&
         heap.large_count_offset + kCountBytes <= heap.generation_bytes &&
         std::uint64_t{heap.generations} * heap.generation_bytes <= GO_GC_HEAP_BYTES;
}

std::optional<GcLayout> layout_of(const elf::Image* image) {
  if (image == nullptr) return std::nullopt;
  const Structs structs = read_structs(*image);
  Offsets offsets(structs);
  GcLayout layout;
  for (std::size_t i = 0; i < GO_GC_WORDS; ++i) {
    const GcWordField& field = gc_word_fields()[i];
    layout.word_offsets[i] = offsets.of(type_of(field.variable), field.member);
  }
  layout.heap = heap_layout(offsets);
  if (!offsets.all_found() || !is_usable(layout.heap)) return std::nullopt;
  return layout;
}

}  // namespace

std::optional<GcLayout> gc_layout_from_dwarf(const elf::ElfFile& file) {
  auto layout = layout_of(file.image());
  return layout ? layout : layout_of(file.debug_image());
}

}  // namespace poolscope::probes
