#pragma once
// PcLineTable: the names and addresses of all functions of a Go program, from .gopclntab, which stripping keeps.
//   Formats   of Go 1.2, 1.16, 1.18 and 1.20, told apart by the magic number of the header.
//   Where     section .gopclntab or .data.rel.ro.gopclntab, else the first thing in the segments that is such a table.
//   Text      function entries count from the text start of the header; where that is 0 (Go 1.26 and later), of
//             moduledata, else of the symbol runtime.text, else from the start of .text.
//   Memory    the bytes of the table are kept (14 MB for Debian's prometheus), nothing is built from them.
//   Cost      find(): one pass over the table; at(): a binary search.
//   Hostile   every offset is checked; the work is bounded by the size of the table (kMaxTableBytes).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "poolscope/result.h"
#include "probes/elf/elf_file.h"
#include "probes/go/file_memory.h"
#include "probes/go/module_data.h"

namespace poolscope::go {

inline constexpr std::uint64_t kMaxTableBytes = 256u << 20;
inline constexpr std::size_t kMaxFunctionNameBytes = 64u << 10;

struct GoFunction {
  std::string name;
  std::uint64_t address = 0;
  std::uint64_t size_bytes = 0;  // up to the next function, padding included
};

struct PcLineTableError {
  enum class Reason { kNotFound, kDamaged, kTooLarge };
  Reason reason;
  std::string object;
  std::string detail;
};
[[nodiscard]] std::string describe(const PcLineTableError& error);

class PcLineTable {
 public:
  enum class Format { kGo12, kGo116, kGo118, kGo120 };

  [[nodiscard]] static bool has_section(const elf::Image& image);
  // Locates and checks the table of a program. `file` must have an image (ElfFile::image()).
  [[nodiscard]] static Result<PcLineTable, PcLineTableError> open(const elf::ElfFile& file, const FileMemory& memory);
  // The table in `bytes`; `text_start` is needed where the header has none. For open(), and for tests.
  [[nodiscard]] static Result<PcLineTable, PcLineTableError> parse(std::vector<std::uint8_t> bytes,
                                                                   std::optional<std::uint64_t> text_start,
                                                                   const std::string& object);

  [[nodiscard]] Format format() const { return format_; }
  [[nodiscard]] std::size_t function_count() const { return function_count_; }
  // Nothing for a function whose entry is damaged, and beyond the last.
  [[nodiscard]] std::optional<GoFunction> function(std::size_t index) const;
  // The first of this name: a wrapper through which assembly calls a function has its name too, and comes later.
  [[nodiscard]] std::optional<GoFunction> find(std::string_view name) const;
  // The function whose code holds `address`.
  [[nodiscard]] std::optional<GoFunction> at(std::uint64_t address) const;
  // Where the module's types and code are; found by open() only.
  [[nodiscard]] const std::optional<ModuleData>& module_data() const { return module_data_; }

 private:
  PcLineTable() = default;
  [[nodiscard]] bool read_header();
  [[nodiscard]] bool is_relative_to_text() const { return format_ == Format::kGo118 || format_ == Format::kGo120; }
  [[nodiscard]] bool lacks_text_start() const;
  [[nodiscard]] std::uint64_t field_bytes() const { return is_relative_to_text() ? 4 : 8; }
  [[nodiscard]] std::uint64_t number(std::uint64_t offset, std::uint64_t bytes) const;
  [[nodiscard]] std::uint64_t entry_address(std::size_t index) const;
  // Starts at the name; its end is the first 0 byte in it, if there is one.
  [[nodiscard]] std::optional<std::string_view> name_of(std::size_t index) const;

  std::vector<std::uint8_t> bytes_;
  Format format_ = Format::kGo12;
  std::uint64_t function_count_ = 0;
  std::uint64_t text_start_ = 0;
  std::uint64_t names_offset_ = 0;
  std::uint64_t records_offset_ = 0;
  std::uint64_t entries_offset_ = 0;
  std::optional<ModuleData> module_data_;
};

}  // namespace poolscope::go
