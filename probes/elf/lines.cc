#include "probes/elf/lines.h"

#include <algorithm>
#include <string_view>

#include <elfutils/libdw.h>

#include "probes/elf/limits.h"

namespace poolscope::elf {
namespace {

bool is_debug_section(const Image::Section& section) {
  return section.name.starts_with(".debug_") || section.name.starts_with(".zdebug_");
}

// libdw reads and unpacks every debug section at once.
std::uint64_t unpacked_bytes(const Image& image) {
  std::uint64_t total = 0;
  for (const Image::Section& section : image.sections()) {
    if (!is_debug_section(section) || section.header.sh_type == SHT_NOBITS) continue;
    std::uint64_t bytes = section.header.sh_size;
    GElf_Chdr packed;
    if ((section.header.sh_flags & SHF_COMPRESSED) != 0 && gelf_getchdr(section.handle, &packed) != nullptr) {
      bytes = packed.ch_size;
    }
    total += std::min(bytes, kMaxDebugInfoBytes + 1);
  }
  return total;
}

}  // namespace

void Lines::EndDwarf::operator()(Dwarf* dwarf) const {
  dwarf_end(dwarf);
}

bool Lines::present_in(const Image& image) {
  const auto has = [&](std::string_view name) { return image.section_named(name) != nullptr; };
  return (has(".debug_info") && has(".debug_line")) || (has(".zdebug_info") && has(".zdebug_line"));
}

Lines::Lines(const Image& image) {
  if (unpacked_bytes(image) > kMaxDebugInfoBytes) return;
  dwarf_.reset(dwarf_begin_elf(image.handle(), DWARF_C_READ, nullptr));
  if (!dwarf_) return;
  // Given an alternate file, libdw does not go and open the one that the image names, which would be a path
  // of the host. What it would hold (directories, names of shared types) is nothing we show.
  dwarf_setalt(dwarf_.get(), dwarf_.get());
  read_ranges();
}

void Lines::read_ranges() {
  Dwarf_Off unit = 0, next = 0;
  std::size_t header_bytes = 0;
  // dwarf_nextcu and dwarf_offdie look at the skeleton of a split unit only and open no .dwo file.
  for (; dwarf_nextcu(dwarf_.get(), unit, &next, &header_bytes, nullptr, nullptr, nullptr) == 0; unit = next) {
    Dwarf_Die die;
    if (dwarf_offdie(dwarf_.get(), unit + header_bytes, &die) == nullptr) continue;
    Dwarf_Addr base = 0, start = 0, end = 0;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(&die, at, &base, &start, &end)) > 0;) {
      if (ranges_.size() >= kMaxLineRanges) return ranges_.clear();
      if (start < end) ranges_.push_back({start, end, unit + header_bytes});
    }
  }
  std::ranges::sort(ranges_, {}, &Range::start);
}

std::string Lines::at(std::uint64_t address) const {
  const auto next = std::ranges::upper_bound(ranges_, address, {}, &Range::start);
  if (next == ranges_.begin() || address >= std::prev(next)->end) return {};
  Dwarf_Die unit;
  if (dwarf_offdie(dwarf_.get(), std::prev(next)->unit_offset, &unit) == nullptr) return {};
  Dwarf_Line* line = dwarf_getsrc_die(&unit, address);
  int number = 0;
  bool after_end = false;
  if (line == nullptr || dwarf_lineno(line, &number) != 0 || number == 0) return {};
  if (dwarf_lineendsequence(line, &after_end) != 0 || after_end) return {};
  const char* path = dwarf_linesrc(line, nullptr, nullptr);
  if (path == nullptr) return {};
  const std::string_view name(path);
  return std::string(name.substr(name.rfind('/') + 1)) + ":" + std::to_string(number);
}

}  // namespace poolscope::elf
