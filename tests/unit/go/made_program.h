#pragma once
// Parts of Go programs made up byte by byte, as linkers of several times write them. For tests and fuzz targets.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "probes/elf/elf_file.h"
#include "probes/go/pc_line_table.h"

namespace poolscope::go::test {

using Bytes = std::vector<std::uint8_t>;

template <typename T>
void append(Bytes& bytes, const T& value) {
  const auto* start = reinterpret_cast<const std::uint8_t*>(&value);
  bytes.insert(bytes.end(), start, start + sizeof value);
}
inline void append_text(Bytes& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

// Throw when it is no ELF file. No debug files are looked for.
[[nodiscard]] std::unique_ptr<elf::ElfFile> open_descriptor(int fd, const std::string& name);
[[nodiscard]] std::unique_ptr<elf::ElfFile> open_bytes(const Bytes& bytes);

// A program without sections: `code` at kCodeAddress and `data`, writable, at kDataAddress.
inline constexpr std::uint64_t kCodeAddress = 0x401000;
inline constexpr std::uint64_t kDataAddress = 0x500000;
[[nodiscard]] Bytes make_elf(const Bytes& code, const Bytes& data);
// The same with sections for debug information, and nothing else in it: .debug_abbrev and .debug_info.
[[nodiscard]] Bytes make_elf_with_debug_info(const Bytes& abbreviations, const Bytes& information);

// Build information: its first 16 bytes, and all of it in the format of Go 1.18. Texts are at most 127 bytes long.
[[nodiscard]] Bytes make_build_info_header(std::uint8_t pointer_bytes, std::uint8_t flags);
[[nodiscard]] Bytes make_build_info(const std::string& version, const std::string& modules);

struct TableForm {
  const char* name;
  PcLineTable::Format format;
  std::uint32_t magic;
};
inline constexpr TableForm kTableForms[] = {{"Go12", PcLineTable::Format::kGo12, 0xfffffffb},
                                            {"Go116", PcLineTable::Format::kGo116, 0xfffffffa},
                                            {"Go118", PcLineTable::Format::kGo118, 0xfffffff0},
                                            {"Go120", PcLineTable::Format::kGo120, 0xfffffff1}};

struct MadeFunction {
  std::string name;
  std::uint64_t size_bytes = 0;
};
// A function table whose functions follow each other from kCodeAddress on. `header_text` is the text start in the
// header, for the formats that have one.
[[nodiscard]] Bytes make_table(const TableForm& form, const std::vector<MadeFunction>& functions,
                               std::uint64_t header_text = kCodeAddress);

}  // namespace poolscope::go::test
