#pragma once
// FileMemory: the segments of a program file as they lie in memory, at the addresses that the file writes.
//   Pointers  of a position independent program are filled in as the loader would do it for load bias 0
//             (R_X86_64_RELATIVE). Go and GNU ld write them into the file as well, lld does not: only then a table of
//             them is kept.
//   Absent    what has no bytes in the file (.bss) cannot be read.
//   Limits    kMaxRelocations; pointers beyond are as the file has them.
//   Lifetime  the image must outlive this.

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "probes/elf/image.h"
#include "probes/go/memory_reader.h"

namespace poolscope::go {

inline constexpr std::size_t kMaxRelocations = 4'000'000;

class FileMemory final : public MemoryReader {
 public:
  explicit FileMemory(const elf::Image& image);

  struct Span {
    std::uint64_t address = 0;
    std::uint64_t file_offset = 0;
    std::uint64_t size_bytes = 0;  // as far as the file has bytes for it
    bool is_writable = false;
    bool is_executable = false;

    [[nodiscard]] bool holds(std::uint64_t at) const { return at >= address && at - address < size_bytes; }
  };
  [[nodiscard]] std::span<const Span> spans() const { return spans_; }
  // nullptr when no span holds it.
  [[nodiscard]] const Span* span_at(std::uint64_t address) const;

  [[nodiscard]] bool read(std::uint64_t address, std::span<std::byte> into) const override;

 private:
  void load_relocations();
  [[nodiscard]] bool pointers_are_in_file(std::uint64_t table, std::uint64_t count) const;
  void apply_relocations(std::uint64_t address, std::span<std::byte> bytes) const;

  const elf::Image& image_;
  std::vector<Span> spans_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pointers_;  // address, value; ascending
};

// Calls `found(address)` for every multiple of `alignment` in `span` whose bytes start with `pattern`, until it returns
// true. Says whether it did.
bool scan(const FileMemory& memory, const FileMemory::Span& span, std::span<const std::byte> pattern,
          std::uint64_t alignment, const std::function<bool(std::uint64_t)>& found);

}  // namespace poolscope::go
