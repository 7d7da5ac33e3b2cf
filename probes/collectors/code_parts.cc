#include "probes/collectors/code_parts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <elf.h>

#include "probes/elf/image.h"
#include "probes/elf/probe_point.h"

namespace poolscope::probes {
namespace {

// Between functions of malloc in a file that names no others: malloc.c is one object file.
constexpr std::uint64_t kMallocGapBytes = 16 << 10;
constexpr std::uint64_t kLongestCopyBytes = 4 << 10;

bool has_function(const elf::ElfFile& file, std::string_view name) {
  return !file.find_function(name).empty();
}

bool has_one_of(const elf::ElfFile& file, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(names, [&](auto name) { return has_function(file, name); });
}

bool is_nothing_but_an_allocator(const elf::ElfFile& file) {
  const bool is_library = file.is_shared_object_or_pie() && !file.has_interpreter();
  return is_library && has_one_of(file, {"mallctl", "je_mallctl", "_rjem_mallctl", "tc_malloc", "mi_malloc"});
}

std::vector<PartRange> all_code(const elf::ElfFile& file) {
  std::vector<PartRange> ranges;
  if (file.image() == nullptr) return ranges;
  for (const auto& segment : file.image()->segments()) {
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0)
      ranges.push_back({segment.p_vaddr, segment.p_vaddr + segment.p_filesz, CodePart::kAllocator});
  }
  return ranges;
}

// Where the first function at `address` or later begins.
std::optional<std::uint64_t> next_function(const elf::ElfFile& file, std::uint64_t address) {
  const auto functions = file.functions();
  const auto next = std::ranges::lower_bound(functions, address, {}, &elf::Symbol::address);
  return next == functions.end() ? std::nullopt : std::optional(next->address);
}

// Static functions of malloc lie between those that are exported, and after the last of them.
void fill_gaps_of_malloc(const elf::ElfFile& file, std::vector<PartRange>& ranges) {
  PartRange* before = nullptr;
  for (PartRange& range : ranges) {
    if (range.part != CodePart::kAllocator) continue;
    if (before != nullptr && range.start > before->end && range.start - before->end <= kMallocGapBytes)
      before->end = range.start;
    before = &range;
  }
  if (before == nullptr) return;
  const auto next = next_function(file, before->end);
  if (next && *next - before->end <= kMallocGapBytes) before->end = *next;
}

// What IFUNCs choose from has no names in a stripped file: each variant goes up to the next one.
void add_variants(const elf::ElfFile& file, std::vector<PartRange>& ranges) {
  std::vector<std::uint64_t> copies, all;
  for (const auto& symbol : file.functions()) {
    if (!symbol.is_ifunc) continue;
    const auto variants = elf::ifunc_candidates(file, symbol.address);
    all.insert(all.end(), variants.begin(), variants.end());
    if (part_of_function(symbol.name) == CodePart::kCopy) copies.insert(copies.end(), variants.begin(), variants.end());
  }
  std::ranges::sort(all);
  for (const std::uint64_t start : copies) {
    std::uint64_t end = start + kLongestCopyBytes;
    if (const auto next = std::ranges::upper_bound(all, start); next != all.end()) end = std::min(end, *next);
    if (const auto next = next_function(file, start + 1)) end = std::min(end, *next);
    ranges.push_back({start, end, CodePart::kCopy});
  }
}

std::vector<PartRange> functions_of(const elf::ElfFile& file) {
  std::vector<PartRange> ranges;
  for (const auto& symbol : file.functions()) {
    const CodePart part = symbol.is_ifunc ? CodePart::kOther : part_of_function(symbol.name);
    if (part != CodePart::kOther) ranges.push_back({symbol.address, symbol.address + symbol.size_bytes, part});
  }
  return disjoint(std::move(ranges));
}

bool has_part(const std::vector<PartRange>& ranges, CodePart part) {
  return std::ranges::any_of(ranges, [&](const PartRange& range) { return range.part == part; });
}

void add(FileParts& sums, const FileParts& more) {
  sums.allocates |= more.allocates;
  sums.copies |= more.copies;
  sums.collects |= more.collects;
  sums.hides_allocator |= more.hides_allocator;
  sums.hides_collector |= more.hides_collector;
}

}  // namespace

std::vector<PartRange> disjoint(std::vector<PartRange> ranges) {
  std::ranges::stable_sort(ranges, {}, &PartRange::start);
  std::vector<PartRange> result;
  for (PartRange& range : ranges) {
    if (range.end <= range.start) continue;
    if (!result.empty()) {
      PartRange& last = result.back();
      if (range.part == last.part && range.start <= last.end) {
        last.end = std::max(last.end, range.end);
        continue;
      }
      last.end = std::min(last.end, range.start);
      if (last.end <= last.start) result.pop_back();
    }
    result.push_back(range);
  }
  return result;
}

FileParts parts_of(const elf::ElfFile& file) {
  FileParts parts;
  parts.allocates = has_one_of(file, {"malloc", "je_malloc", "_rjem_malloc", "tc_malloc", "mi_malloc"});
  if (is_nothing_but_an_allocator(file)) {
    parts.ranges = all_code(file);
    return parts;
  }
  parts.ranges = functions_of(file);
  if (!file.has_full_symbols()) {
    if (has_function(file, "malloc")) fill_gaps_of_malloc(file, parts.ranges);
    add_variants(file, parts.ranges);
    parts.ranges = disjoint(std::move(parts.ranges));
  }
  parts.copies = has_part(parts.ranges, CodePart::kCopy);
  parts.collects = has_part(parts.ranges, CodePart::kGc) && has_function(file, "gc_collect_main");
  parts.hides_collector = has_function(file, "PyGC_Collect") && !parts.collects;
  parts.hides_allocator = has_function(file, "PyObject_Malloc") && !has_function(file, "_PyObject_Malloc");
  return parts;
}

FileParts parts_of(const go::GoProgram& program) {
  FileParts parts;
  program.for_each_function([&](const go::GoFunction& function) {
    const CodePart part = part_of_go_function(function.name);
    if (part != CodePart::kOther)
      parts.ranges.push_back({function.address, function.address + function.size_bytes, part});
  });
  parts.ranges = disjoint(std::move(parts.ranges));
  parts.allocates = has_part(parts.ranges, CodePart::kAllocator);
  parts.copies = has_part(parts.ranges, CodePart::kCopy);
  parts.collects = has_part(parts.ranges, CodePart::kGc);
  parts.hides_collector = !parts.collects;
  return parts;
}

ProcessParts::ProcessParts(const std::vector<Placed>& files) {
  for (const auto& [file, bias] : files) {
    for (const auto& range : file->ranges) ranges_.push_back({range.start + bias, range.end + bias, range.part});
    add(sums_, *file);
  }
  ranges_ = disjoint(std::move(ranges_));
}

CodePart ProcessParts::at(std::uint64_t address) const {
  const auto after = std::ranges::upper_bound(ranges_, address, {}, &PartRange::start);
  if (after == ranges_.begin()) return CodePart::kOther;
  const PartRange& range = *std::prev(after);
  return address < range.end ? range.part : CodePart::kOther;
}

template <typename Look>
std::shared_ptr<const FileParts> PartsCache::find(const std::shared_ptr<const elf::ElfFile>& file, Look look) {
  if (const auto found = files_.find(file.get()); found != files_.end() && found->second.file.lock() == file)
    return found->second.parts;
  if (files_.size() >= kMaxFiles) files_.clear();
  Entry& entry = files_[file.get()];
  entry = {file, std::make_shared<const FileParts>(look())};
  return entry.parts;
}

std::shared_ptr<const FileParts> PartsCache::of(const std::shared_ptr<const elf::ElfFile>& file) {
  return find(file, [&] { return parts_of(*file); });
}

std::shared_ptr<const FileParts> PartsCache::of(const std::shared_ptr<const elf::ElfFile>& file,
                                                const go::GoProgram& program) {
  return find(file, [&] { return parts_of(program); });
}

}  // namespace poolscope::probes
