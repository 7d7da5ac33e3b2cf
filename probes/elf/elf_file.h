#pragma once
// ElfFile: symbols, segments, unwind rows and source lines of one ELF file of a target.
//   Reading   through a file descriptor with pread, never mapped: a file truncated under us gives an error, not SIGBUS.
//   Hostile   every size, count and offset of the file is checked and capped (kMaxSymbols, kMaxSectionBytes).
//   Symbols   from .dynsym, .symtab, .gnu_debugdata (MiniDebugInfo, xz) and, when the file has neither a .symtab nor
//             MiniDebugInfo, from the build-id debug file below the target's root.
//   Addresses are ELF virtual addresses, as the file writes them; the load bias is the caller's (process/maps.h).
//   Threads   not thread-safe: lines and debug files are loaded at first use.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "poolscope/result.h"

namespace poolscope::elf {

class Image;

struct ElfError {
  enum class Reason { kCannotOpen, kNotElf, kWrongMachine, kDamaged, kTooLarge };
  Reason reason;
  std::string object;  // display name of the file
  std::string detail;  // what was wrong, for a person
  int sys_errno = 0;
};
[[nodiscard]] std::string describe(const ElfError& error);

struct Symbol {
  std::string name;                // without version
  std::string version;             // "GLIBC_2.2.5"; empty when unversioned
  bool is_default_version = true;  // a new link of the plain name binds to it: "@@", or unversioned
  std::uint64_t address = 0;
  std::uint64_t size_bytes = 0;  // up to the next function or the end of the code when the file gives none
  bool is_ifunc = false;         // address is the resolver, not the function
  bool is_exported = false;      // from .dynsym: other objects can call it
};

// How to get from one frame to its caller at a given address, where .eh_frame says so with constants.
struct FrameStep {
  enum class Base { kStackPointer, kFramePointer };
  Base cfa_base = Base::kStackPointer;
  std::int64_t cfa_offset = 0;                   // CFA = base + cfa_offset; the return address is at CFA - 8
  std::optional<std::int64_t> saved_rbp_at_cfa;  // caller's rbp is stored at CFA + this; absent: rbp is unchanged
};

class ElfFile {
 public:
  // Takes ownership of `fd`. `display_name` is the path as the target names it; `root` is the directory under which
  // the target's own debug files live, e.g. "/proc/123/root" ("" for "/").
  [[nodiscard]] static Result<std::unique_ptr<ElfFile>, ElfError> open(int fd, std::string display_name,
                                                                       std::string root);
  virtual ~ElfFile() = default;

  [[nodiscard]] virtual const std::string& display_name() const = 0;
  [[nodiscard]] virtual const std::string& build_id() const = 0;   // lower-case hex; empty when the file has none
  [[nodiscard]] virtual std::string_view soname() const = 0;       // DT_SONAME, or empty
  [[nodiscard]] virtual bool is_shared_object_or_pie() const = 0;  // ET_DYN
  [[nodiscard]] virtual bool has_interpreter() const = 0;          // PT_INTERP: dynamically linked executable
  [[nodiscard]] virtual bool has_full_symbols() const = 0;  // .symtab (own, MiniDebugInfo or debug file) was found
  [[nodiscard]] virtual std::uint64_t entry_address() const = 0;

  // Function symbols sorted by address; aliases are separate entries.
  [[nodiscard]] virtual std::span<const Symbol> functions() const = 0;
  // Every function called `name` (an unversioned or default-versioned one first); empty when there is none.
  [[nodiscard]] virtual std::vector<const Symbol*> find_function(std::string_view name) const = 0;
  // The function that contains `address`; of several names for it an exported one, and the one with the fewest "_" in front.
  [[nodiscard]] virtual const Symbol* function_at(std::uint64_t address) const = 0;

  // File offset of `address`, through the executable PT_LOAD that holds it.
  [[nodiscard]] virtual std::optional<std::uint64_t> file_offset(std::uint64_t address) const = 0;
  // Virtual address of a byte of the file, through the executable PT_LOAD that holds it.
  [[nodiscard]] virtual std::optional<std::uint64_t> address_of_file_offset(std::uint64_t offset) const = 0;
  // Executable bytes from `address` on; at most `max_bytes`, less at the end of the segment, empty when outside.
  [[nodiscard]] virtual std::vector<std::uint8_t> read_code(std::uint64_t address, std::size_t max_bytes) const = 0;
  // All executable bytes of the segment that holds `address`, with the address of its first byte; read once and kept.
  struct CodeSegment {
    std::uint64_t address = 0;
    std::span<const std::uint8_t> bytes;
  };
  [[nodiscard]] virtual CodeSegment code_segment(std::uint64_t address) const = 0;

  // The way out of the frame at the instruction at `address`. For a return address ask for the byte before it: the call may
  // be the last instruction of its function. Nothing where .eh_frame has no row, or one that is not made of constants.
  [[nodiscard]] virtual std::optional<FrameStep> frame_step(std::uint64_t address) const = 0;
  // "file.c:123" for the line that contains `address`, from DWARF in the file or its debug file.
  [[nodiscard]] virtual std::string source_line(std::uint64_t address) const = 0;

  // The file's own sections and segments, for readers of what else is in it (probes/go), and its debug file; nullptr when
  // there is none. Both live as long as this.
  [[nodiscard]] virtual const Image* image() const { return nullptr; }
  [[nodiscard]] virtual const Image* debug_image() const { return nullptr; }
};

// C++ and Rust (legacy and v0) names made readable; any other name as it is, and so is one that could grow beyond measure.
[[nodiscard]] std::string demangle(std::string_view name);

}  // namespace poolscope::elf
