#pragma once
// DataSymbols: the names of the variables of a program, by address.
//   Sources  .symtab of the program, else of its debug file, else the DWARF of either; else there are none. Functions,
//            constants and string literals are left out: only what lies in writable memory has a name here.
//   Limits   kMaxDataSymbols; of more, none are kept.
//   Lifetime the file must outlive this: names are not copied.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probes/elf/elf_file.h"

namespace poolscope::go {

class DwarfUnits;

inline constexpr std::size_t kMaxDataSymbols = 2'000'000;

struct DataSymbol {
  std::string name;  // "main.bufferPool"
  std::uint64_t address = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t offset = 0;  // of the address that was asked for, from the start of the variable
};

class DataSymbols {
 public:
  enum class Source { kNone, kSymbolTable, kDwarf };

  // `file` must have an image (ElfFile::image()).
  explicit DataSymbols(const elf::ElfFile& file);

  [[nodiscard]] Source source() const { return source_; }
  [[nodiscard]] std::size_t count() const { return entries_.size(); }
  [[nodiscard]] std::optional<DataSymbol> at(std::uint64_t address) const;
  [[nodiscard]] std::optional<DataSymbol> find(std::string_view name) const;

 private:
  struct Entry {
    std::uint64_t address = 0;
    std::uint64_t size_bytes = 0;
    std::string_view name;
  };
  void read_symbol_table(const elf::ElfFile& file, const elf::Image& image);
  void read_dwarf(const elf::ElfFile& file, const elf::Image& image);
  void add(const elf::ElfFile& file, Entry entry);

  Source source_ = Source::kNone;
  std::vector<Entry> entries_;               // ascending by address
  std::shared_ptr<const DwarfUnits> dwarf_;  // holds the names
};

}  // namespace poolscope::go
