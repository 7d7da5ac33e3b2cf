#include "probes/elf/code_map.h"

#include <algorithm>
#include <limits>

namespace poolscope::elf {
namespace {

constexpr std::uint64_t kMaxAddress = std::numeric_limits<std::uint64_t>::max();

template <typename Spans, typename Holds>
const CodeSpan* find_span(const Spans& spans, Holds holds) {
  const auto found = std::ranges::find_if(spans, holds);
  return found == spans.end() ? nullptr : &*found;
}

}  // namespace

Result<CodeMap, ElfError> CodeMap::of(const Image& image) {
  CodeMap map;
  for (const GElf_Phdr& segment : image.segments()) {
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0 || segment.p_filesz == 0) continue;
    if (segment.p_offset > image.size_bytes() || segment.p_filesz > image.size_bytes() - segment.p_offset) {
      return image.failure(ElfError::Reason::kDamaged, "code at file offsets " + std::to_string(segment.p_offset) +
                                                           " + " + std::to_string(segment.p_filesz) +
                                                           ", but it has only " + std::to_string(image.size_bytes()) +
                                                           " bytes");
    }
    if (segment.p_vaddr > kMaxAddress - segment.p_filesz) {
      return image.failure(ElfError::Reason::kDamaged, "a code segment that wraps around the address space");
    }
    map.spans_.push_back({segment.p_vaddr, segment.p_offset, segment.p_filesz});
  }
  for (const Image::Section& section : image.sections()) {
    const GElf_Shdr& header = section.header;
    if ((header.sh_flags & SHF_EXECINSTR) == 0 || header.sh_size == 0) continue;
    if (header.sh_addr > kMaxAddress - header.sh_size) continue;
    map.sections_.push_back({header.sh_addr, header.sh_offset, header.sh_size});
  }
  std::ranges::sort(map.sections_, {}, &CodeSpan::address);
  return map;
}

const CodeSpan* CodeMap::find(std::uint64_t address) const {
  return find_span(spans_, [&](const CodeSpan& span) { return span.holds(address); });
}

const CodeSpan* CodeMap::find_offset(std::uint64_t file_offset) const {
  return find_span(spans_, [&](const CodeSpan& span) { return span.holds_offset(file_offset); });
}

std::uint64_t CodeMap::end_of_code(std::uint64_t address) const {
  const CodeSpan* segment = find(address);
  if (segment == nullptr) return address;
  const std::uint64_t segment_end = segment->address + segment->size_bytes;
  auto next = std::ranges::upper_bound(sections_, address, {}, &CodeSpan::address);
  if (next == sections_.begin()) return segment_end;
  const CodeSpan& section = *std::prev(next);
  return section.holds(address) ? std::min(segment_end, section.address + section.size_bytes) : segment_end;
}

}  // namespace poolscope::elf
