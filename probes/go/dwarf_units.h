#pragma once
// DwarfUnits: the entries of the debug information of a file that stand at the top of their unit: variables, types, functions.
//   Hostile  files with too much of it (elf::has_bounded_debug_info) give nothing; the caller bounds how much it looks at. No file that the
//            image names is opened.
//   Lifetime the image must outlive this; entries and their names live as long as this does.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <elfutils/libdw.h>

#include "probes/elf/image.h"

namespace poolscope::go {

class DwarfUnits {
 public:
  // Nothing when there is no debug information.
  [[nodiscard]] static std::optional<DwarfUnits> open(const elf::Image& image);

  // Name of an entry, at most kMaxNameBytes; empty when it has none, or one that does not end within the debug information.
  static constexpr std::size_t kMaxNameBytes = 4096;
  [[nodiscard]] std::string_view name_of(Dwarf_Die& die) const;

  // Calls visit(Dwarf_Die&) for each entry until it returns false, or `max_entries` were seen: then the answer is false.
  template <typename Visit>
  bool for_each(std::size_t max_entries, Visit visit) const {
    Dwarf_Off unit = 0, next = 0;
    std::size_t header_bytes = 0, seen = 0;
    for (; dwarf_nextcu(dwarf_.get(), unit, &next, &header_bytes, nullptr, nullptr, nullptr) == 0; unit = next) {
      Dwarf_Die root, die;
      if (dwarf_offdie(dwarf_.get(), unit + header_bytes, &root) == nullptr || dwarf_child(&root, &die) != 0) continue;
      do {
        if (++seen > max_entries || !visit(die)) return false;
      } while (dwarf_siblingof(&die, &die) == 0);
    }
    return true;
  }

 private:
  struct End {
    void operator()(Dwarf* dwarf) const { dwarf_end(dwarf); }
  };
  DwarfUnits(Dwarf* dwarf, const elf::Image& image);

  std::unique_ptr<Dwarf, End> dwarf_;
  // The sections that names stand in, between the types: libdw does not look where these end.
  std::vector<std::span<const char>> sections_;
};

// Address of a variable in the file; nothing when it lies in a register or on a stack.
[[nodiscard]] std::optional<std::uint64_t> static_address(Dwarf_Die& variable);
// An attribute that is a number, such as DW_AT_byte_size.
[[nodiscard]] std::optional<std::uint64_t> dwarf_number(Dwarf_Die& die, unsigned attribute);
// The entry that DW_AT_type names.
[[nodiscard]] std::optional<Dwarf_Die> type_of(Dwarf_Die& die);

}  // namespace poolscope::go
