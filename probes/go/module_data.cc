#include "probes/go/module_data.h"

#include <array>

namespace poolscope::go {
namespace {

// Indices of 8-byte words in moduledata.
constexpr std::size_t kTableHeader = 0;
constexpr std::size_t kFunctionNames = 1;   // slice: data, length, capacity
constexpr std::size_t kPcValues = 10;       // slice
constexpr std::size_t kFunctionTable = 13;  // slice
constexpr std::size_t kMinPc = 20;
constexpr std::size_t kMaxPc = 21;
constexpr std::size_t kTextStart = 22;
constexpr std::size_t kTextEnd = 23;
constexpr std::size_t kTypesStart = 35;       // the end comes next
constexpr std::size_t kCoverageCounters = 2;  // words in front of the types since Go 1.20
constexpr std::size_t kWords = kTypesStart + kCoverageCounters + 2;

// Bounds the work on a file full of pointers that look like the right one.
constexpr int kMaxCandidates = 4096;

using Words = std::array<std::uint64_t, kWords>;

bool is_slice_in_table(const Words& words, std::size_t at, const ModuleDataQuery& query) {
  const std::uint64_t offset = words[at] - query.table_address;
  const std::uint64_t length = words[at + 1];
  return offset <= query.table_bytes && length <= query.table_bytes && length <= words[at + 2];
}

std::optional<ModuleData> module_data_at(const FileMemory& memory, std::uint64_t address,
                                         const ModuleDataQuery& query) {
  const auto words = memory.value<Words>(address);
  if (!words || (*words)[kTableHeader] != query.table_address) return std::nullopt;
  for (const auto slice : {kFunctionNames, kPcValues, kFunctionTable}) {
    if (!is_slice_in_table(*words, slice, query)) return std::nullopt;
  }
  const std::size_t types = kTypesStart + (query.has_coverage_counters ? kCoverageCounters : 0);
  const ModuleData found{address, (*words)[kTextStart], (*words)[kTextEnd], (*words)[types], (*words)[types + 1]};
  const bool code_fits = found.text_start < found.text_end && found.text_start <= (*words)[kMinPc] &&
                         (*words)[kMinPc] < (*words)[kMaxPc] && (*words)[kMaxPc] <= found.text_end;
  const auto* code = memory.span_at(found.text_start);
  const bool is_in_segments = code != nullptr && code->is_executable && memory.span_at(found.types_start) != nullptr;
  if (!code_fits || !is_in_segments || found.types_start >= found.types_end) return std::nullopt;
  return found;
}

}  // namespace

std::optional<ModuleData> find_module_data(const elf::Image& image, const FileMemory& memory,
                                           const ModuleDataQuery& query) {
  if (const auto* section = image.section_named(".go.module")) {
    if (const auto found = module_data_at(memory, section->header.sh_addr, query)) return found;
  }
  std::optional<ModuleData> found;
  int candidates = 0;
  const auto try_at = [&](std::uint64_t address) {
    found = module_data_at(memory, address, query);
    return found || ++candidates == kMaxCandidates;
  };
  const auto pattern = std::as_bytes(std::span(&query.table_address, 1));
  // writable first: that is where all releases up to 1.25 put it
  for (const bool writable : {true, false}) {
    for (const auto& span : memory.spans()) {
      if (span.is_executable || span.is_writable != writable) continue;
      if (scan(memory, span, pattern, sizeof query.table_address, try_at)) return found;
    }
  }
  return std::nullopt;
}

}  // namespace poolscope::go
