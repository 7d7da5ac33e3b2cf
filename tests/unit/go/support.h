#pragma once
// What the tests of Go programs share: real programs built by `go build`, and changed copies of them.

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <elf.h>

#include "probes/elf/elf_file.h"
#include "probes/elf/image.h"
#include "probes/go/go_program.h"
#include "probes/go/memory_reader.h"
#include "tests/unit/go/made_program.h"

namespace poolscope::go::test {

// Ways to build programs/pools; kTiny is programs/tiny, kFields and kFieldsNoDwarf are programs/fields.
enum class Build { kPlain, kStripped, kPie, kNoInlining, kRace, kTiny, kFields, kFieldsNoDwarf };
inline constexpr Build kPoolBuilds[] = {Build::kPlain, Build::kStripped, Build::kPie, Build::kNoInlining, Build::kRace};
[[nodiscard]] std::string name_of(Build build);

// Path of the program, built at the first call in this build folder. Throws, with what go said, when it cannot be
// built.
[[nodiscard]] const std::string& built(Build build);
// Standard output of a command that must succeed.
[[nodiscard]] std::string output_of(const std::string& command);

[[nodiscard]] Bytes bytes_of(const std::string& path);
// Aborts when it is no ELF file.
[[nodiscard]] std::unique_ptr<elf::ElfFile> open_path(const std::string& path);

struct OpenedProgram {
  std::unique_ptr<elf::ElfFile> file;
  std::unique_ptr<GoProgram> program;
  GoProgram* operator->() const { return program.get(); }
};
// Throws what describe() says when it cannot be opened.
[[nodiscard]] OpenedProgram open_program(std::unique_ptr<elf::ElfFile> file);
[[nodiscard]] OpenedProgram open_program(Build build);

// Changes to the bytes of a program.
void hide_sections(Bytes& elf);      // as after sstrip
void hide_symbol_table(Bytes& elf);  // .symtab is still there, but not as a symbol table
[[nodiscard]] std::size_t file_offset_of(const Bytes& elf, std::uint64_t address);
void write_at(Bytes& elf, std::uint64_t address, std::string_view bytes);
// All of `from` become `to`, of the same length; aborts when there is none.
void replace_text(Bytes& elf, std::string_view from, std::string_view to);

// Memory that a test writes itself; what nobody wrote cannot be read.
class FakeMemory final : public MemoryReader {
 public:
  template <typename T>
  FakeMemory& put(std::uint64_t address, const T& value) {
    const auto* start = reinterpret_cast<const std::byte*>(&value);
    for (std::size_t i = 0; i < sizeof value; ++i) bytes_[address + i] = start[i];
    return *this;
  }
  FakeMemory& put_text(std::uint64_t address, std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) bytes_[address + i] = static_cast<std::byte>(text[i]);
    return *this;
  }
  bool read(std::uint64_t address, std::span<std::byte> into) const override {
    for (std::size_t i = 0; i < into.size(); ++i) {
      const auto found = bytes_.find(address + i);
      if (found == bytes_.end()) return false;
      into[i] = found->second;
    }
    return true;
  }

 private:
  std::map<std::uint64_t, std::byte> bytes_;
};

}  // namespace poolscope::go::test
