#pragma once
// GoProgram: what the agent asks of a Go program: its version, its functions and variables by name and by address.
//   Functions from .symtab when there is one, else from .gopclntab, which every Go program carries.
//   Variables from .symtab or DWARF; a stripped program has none.
//   Verified  layouts are proved for Go 1.19. Others are known from the sources of Go and used, but is_verified is
//             false.
//   Addresses are ELF virtual addresses, without load bias.
//   Lifetime  the ElfFile must outlive this. Keeps .gopclntab in memory (see pc_line_table.h).
//   Threads   not thread-safe, as ElfFile.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "poolscope/result.h"
#include "probes/elf/elf_file.h"
#include "probes/go/build_info.h"
#include "probes/go/data_symbols.h"
#include "probes/go/file_memory.h"
#include "probes/go/pc_line_table.h"

namespace poolscope::go {

struct GoProgramError {
  enum class Reason {
    kNotGo,           // neither build information nor a function table
    kTooOld,          // before Go 1.17: arguments are passed on the stack
    kVersionUnknown,  // it is Go, but does not say which
    kNoFunctions,     // neither .symtab nor a usable .gopclntab
    kDamagedBuildInfo,
  };
  Reason reason;
  std::string object;
  std::string detail;
};
[[nodiscard]] std::string describe(const GoProgramError& error);

class GoProgram {
 public:
  // Aborts when `file` has no image (ElfFile::image()).
  [[nodiscard]] static Result<std::unique_ptr<GoProgram>, GoProgramError> open(const elf::ElfFile& file);

  [[nodiscard]] const elf::ElfFile& file() const { return file_; }
  [[nodiscard]] const FileMemory& memory() const { return memory_; }
  [[nodiscard]] const BuildInfo& build_info() const { return build_info_; }
  [[nodiscard]] GoVersion version() const { return *build_info_.version; }
  [[nodiscard]] bool is_verified() const;
  // "unverified: layouts of Go 1.22 are known from its sources only"; empty when verified.
  [[nodiscard]] std::string verification_text() const;
  [[nodiscard]] bool has_race_detector() const { return has_race_detector_; }

  [[nodiscard]] std::optional<GoFunction> find_function(std::string_view name) const;
  [[nodiscard]] std::optional<GoFunction> function_at(std::uint64_t address) const;
  // Every function, in no promised order.
  void for_each_function(const std::function<void(const GoFunction&)>& visit) const;
  [[nodiscard]] std::optional<DataSymbol> find_variable(std::string_view name) const { return variables_.find(name); }
  [[nodiscard]] std::optional<DataSymbol> variable_at(std::uint64_t address) const { return variables_.at(address); }
  [[nodiscard]] DataSymbols::Source variable_source() const { return variables_.source(); }

  // [start, end) of the type descriptors and names of the main module; nothing when moduledata was not found.
  struct TypeRange {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
  };
  [[nodiscard]] std::optional<TypeRange> types() const;

 private:
  GoProgram(const elf::ElfFile& file, FileMemory memory, BuildInfo info, std::optional<PcLineTable> table);

  const elf::ElfFile& file_;
  FileMemory memory_;
  BuildInfo build_info_;
  std::optional<PcLineTable> table_;
  DataSymbols variables_;
  bool has_race_detector_ = false;
};

}  // namespace poolscope::go
