#pragma once
// CodeMap: where the executable bytes of a file are, by address and by file offset.
//   Holds  the PT_LOAD segments with PF_X, as far as the file has bytes for them (p_filesz).

#include <cstdint>
#include <vector>

#include "poolscope/result.h"
#include "probes/elf/elf_file.h"
#include "probes/elf/image.h"

namespace poolscope::elf {

struct CodeSpan {
  std::uint64_t address = 0;
  std::uint64_t file_offset = 0;
  std::uint64_t size_bytes = 0;

  [[nodiscard]] bool holds(std::uint64_t at) const { return at >= address && at - address < size_bytes; }
  [[nodiscard]] bool holds_offset(std::uint64_t at) const { return at >= file_offset && at - file_offset < size_bytes; }
};

class CodeMap {
 public:
  // Fails with kDamaged when an executable segment is not wholly inside the file or the address space.
  [[nodiscard]] static Result<CodeMap, ElfError> of(const Image& image);

  [[nodiscard]] const std::vector<CodeSpan>& spans() const { return spans_; }
  // nullptr when no span holds it.
  [[nodiscard]] const CodeSpan* find(std::uint64_t address) const;
  [[nodiscard]] const CodeSpan* find_offset(std::uint64_t file_offset) const;
  // First address after the section (or, without sections, the segment) that holds `address`; `address` when
  // none does.
  [[nodiscard]] std::uint64_t end_of_code(std::uint64_t address) const;

 private:
  std::vector<CodeSpan> spans_;
  std::vector<CodeSpan> sections_;  // ascending by address
};

}  // namespace poolscope::elf
