#pragma once
// SymbolVersions: the version ("GLIBC_2.2.5") of each defined symbol of .dynsym, from .gnu.version and
// .gnu.version_d. Versions that the file only needs of others (.gnu.version_r) belong to undefined symbols,
// which we never list.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "probes/elf/image.h"

namespace poolscope::elf {

class SymbolVersions {
 public:
  struct Version {
    std::string_view name;   // empty: unversioned
    bool is_default = true;  // what a new link of the plain name binds to
  };

  // Damaged version sections leave the symbols unversioned. `image` must outlive this.
  explicit SymbolVersions(const Image& image);
  [[nodiscard]] Version of(std::size_t symbol_index) const;

 private:
  void read_definitions(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> names);

  std::span<const std::uint8_t> indices_;  // one Elf64_Versym per symbol
  std::vector<std::string_view> names_;    // by version index
};

// The string at `offset`, without its terminator; empty when it has none within kMaxNameBytes.
[[nodiscard]] std::string_view string_at(std::span<const std::uint8_t> table, std::uint64_t offset);

}  // namespace poolscope::elf
