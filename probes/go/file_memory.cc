#include "probes/go/file_memory.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace poolscope::go {
namespace {

constexpr std::uint64_t kMaxDynamicBytes = 64u << 10;
constexpr std::size_t kEntriesPerRead = 4096;
constexpr std::size_t kSampledPointers = 64;
constexpr std::uint64_t kScanStepBytes = 1u << 20;  // a multiple of every alignment

struct RelocationTable {
  std::uint64_t address = 0;
  std::uint64_t count = 0;
};

std::optional<RelocationTable> find_relocations(const elf::Image& image) {
  const auto dynamic = std::ranges::find(image.segments(), PT_DYNAMIC, &GElf_Phdr::p_type);
  if (dynamic == image.segments().end()) return std::nullopt;
  const auto bytes = image.read_at(dynamic->p_offset, std::min<std::uint64_t>(dynamic->p_filesz, kMaxDynamicBytes));
  RelocationTable table;
  for (std::size_t at = 0; at + sizeof(Elf64_Dyn) <= bytes.size(); at += sizeof(Elf64_Dyn)) {
    Elf64_Dyn entry;
    std::memcpy(&entry, bytes.data() + at, sizeof entry);
    if (entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_RELA) table.address = entry.d_un.d_ptr;
    if (entry.d_tag == DT_RELASZ) table.count = entry.d_un.d_val / sizeof(Elf64_Rela);
  }
  if (table.address == 0 || table.count == 0) return std::nullopt;
  table.count = std::min<std::uint64_t>(table.count, kMaxRelocations);
  return table;
}

bool is_relative(const Elf64_Rela& entry) {
  return ELF64_R_TYPE(entry.r_info) == R_X86_64_RELATIVE;
}

}  // namespace

FileMemory::FileMemory(const elf::Image& image) : image_(image) {
  for (const GElf_Phdr& segment : image.segments()) {
    if (segment.p_type != PT_LOAD || segment.p_offset >= image.size_bytes()) continue;
    const std::uint64_t size_bytes = std::min(segment.p_filesz, image.size_bytes() - segment.p_offset);
    if (size_bytes == 0 || segment.p_vaddr + size_bytes < segment.p_vaddr) continue;
    spans_.push_back(
        {segment.p_vaddr, segment.p_offset, size_bytes, (segment.p_flags & PF_W) != 0, (segment.p_flags & PF_X) != 0});
  }
  load_relocations();
}

const FileMemory::Span* FileMemory::span_at(std::uint64_t address) const {
  const auto found = std::ranges::find_if(spans_, [&](const Span& span) { return span.holds(address); });
  return found == spans_.end() ? nullptr : &*found;
}

bool FileMemory::read(std::uint64_t address, std::span<std::byte> into) const {
  const Span* span = span_at(address);
  if (span == nullptr || into.size() > span->size_bytes - (address - span->address)) return false;
  const auto bytes = image_.read_at(span->file_offset + (address - span->address), into.size());
  if (bytes.size() != into.size()) return false;
  std::memcpy(into.data(), bytes.data(), bytes.size());
  if (!pointers_.empty()) apply_relocations(address, into);
  return true;
}

void FileMemory::load_relocations() {
  const auto table = find_relocations(image_);
  if (!table || pointers_are_in_file(table->address, table->count)) return;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pointers;
  std::vector<Elf64_Rela> entries;
  for (std::uint64_t first = 0; first < table->count; first += kEntriesPerRead) {
    entries.resize(std::min<std::uint64_t>(kEntriesPerRead, table->count - first));
    if (!read(table->address + first * sizeof(Elf64_Rela), std::as_writable_bytes(std::span(entries)))) break;
    for (const Elf64_Rela& entry : entries) {
      if (is_relative(entry)) pointers.emplace_back(entry.r_offset, static_cast<std::uint64_t>(entry.r_addend));
    }
  }
  std::ranges::sort(pointers);
  pointers_ = std::move(pointers);
}

// A sample is enough: a linker writes all of them or none.
bool FileMemory::pointers_are_in_file(std::uint64_t table, std::uint64_t count) const {
  const std::uint64_t step = std::max<std::uint64_t>(1, count / kSampledPointers);
  for (std::uint64_t i = 0; i < count; i += step) {
    const auto entry = value<Elf64_Rela>(table + i * sizeof(Elf64_Rela));
    if (!entry) return true;
    if (is_relative(*entry) && value<std::uint64_t>(entry->r_offset) != static_cast<std::uint64_t>(entry->r_addend))
      return false;
  }
  return true;
}

void FileMemory::apply_relocations(std::uint64_t address, std::span<std::byte> bytes) const {
  constexpr std::uint64_t kPointerBytes = 8;
  const std::uint64_t first = address - std::min(address, kPointerBytes - 1);
  auto next = std::ranges::lower_bound(pointers_, first, {}, [](const auto& pointer) { return pointer.first; });
  for (; next != pointers_.end() && next->first < address + bytes.size(); ++next) {
    const auto& [at, pointer] = *next;
    for (std::uint64_t i = 0; i < kPointerBytes; ++i) {
      const std::uint64_t place = at + i;
      if (place >= address && place - address < bytes.size())
        bytes[place - address] = static_cast<std::byte>(pointer >> (8 * i));
    }
  }
}

bool scan(const FileMemory& memory, const FileMemory::Span& span, std::span<const std::byte> pattern,
          std::uint64_t alignment, const std::function<bool(std::uint64_t)>& found) {
  std::vector<std::byte> bytes;
  const std::uint64_t first = (alignment - span.address % alignment) % alignment;
  for (std::uint64_t start = first; start + pattern.size() <= span.size_bytes; start += kScanStepBytes) {
    // the last pattern of a step may reach into the next one
    bytes.resize(std::min<std::uint64_t>(kScanStepBytes + pattern.size() - 1, span.size_bytes - start));
    if (!memory.read(span.address + start, bytes)) return false;
    for (std::size_t at = 0; at + pattern.size() <= bytes.size(); at += alignment) {
      if (std::memcmp(bytes.data() + at, pattern.data(), pattern.size()) == 0 && found(span.address + start + at))
        return true;
    }
  }
  return false;
}

}  // namespace poolscope::go
