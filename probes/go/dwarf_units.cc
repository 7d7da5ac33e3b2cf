#include "probes/go/dwarf_units.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include <dwarf.h>

namespace poolscope::go {

std::optional<DwarfUnits> DwarfUnits::open(const elf::Image& image) {
  if (!elf::has_bounded_debug_info(image)) return std::nullopt;
  Dwarf* dwarf = dwarf_begin_elf(image.handle(), DWARF_C_READ, nullptr);
  if (dwarf == nullptr) return std::nullopt;
  dwarf_setalt(dwarf, dwarf);  // or libdw opens the alternate file that the image names, a path of the host
  return DwarfUnits(dwarf, image);
}

DwarfUnits::DwarfUnits(Dwarf* dwarf, const elf::Image& image) : dwarf_(dwarf) {
  for (const auto& section : image.sections()) {
    if (!section.name.ends_with("debug_info")) continue;
    // as libdw has unpacked it
    const Elf_Data* data = elf_getdata(section.handle, nullptr);
    if (data != nullptr && data->d_buf != nullptr)
      sections_.emplace_back(static_cast<const char*>(data->d_buf), data->d_size);
  }
}

std::string_view DwarfUnits::name_of(Dwarf_Die& die) const {
  Dwarf_Attribute attribute;
  if (dwarf_attr(&die, DW_AT_name, &attribute) == nullptr) return {};
  const char* name = dwarf_formstring(&attribute);
  if (name == nullptr) return {};
  std::size_t room_bytes = kMaxNameBytes;
  // strings of other sections are checked by libdw
  if (dwarf_whatform(&attribute) == DW_FORM_string) {
    const auto holds = [name](std::span<const char> section) {
      return std::less_equal<>{}(section.data(), name) && std::less<>{}(name, section.data() + section.size());
    };
    const auto section = std::ranges::find_if(sections_, holds);
    if (section == sections_.end()) return {};
    room_bytes = std::min(room_bytes, static_cast<std::size_t>(section->data() + section->size() - name));
  }
  const std::size_t length = strnlen(name, room_bytes);
  return length < room_bytes ? std::string_view(name, length) : std::string_view{};
}

// Go writes locations as blocks, which dwarf_getlocation() does not take for expressions.
std::optional<std::uint64_t> static_address(Dwarf_Die& variable) {
  Dwarf_Attribute attribute;
  Dwarf_Block block;
  std::uint64_t address = 0;
  if (dwarf_attr(&variable, DW_AT_location, &attribute) == nullptr || dwarf_formblock(&attribute, &block) != 0)
    return std::nullopt;
  if (block.length != 1 + sizeof address || block.data[0] != DW_OP_addr) return std::nullopt;
  std::memcpy(&address, block.data + 1, sizeof address);
  return address;
}

std::optional<std::uint64_t> dwarf_number(Dwarf_Die& die, unsigned attribute_name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr(&die, attribute_name, &attribute) == nullptr || dwarf_formudata(&attribute, &value) != 0)
    return std::nullopt;
  return value;
}

std::optional<Dwarf_Die> type_of(Dwarf_Die& die) {
  Dwarf_Attribute attribute;
  Dwarf_Die type;
  if (dwarf_attr(&die, DW_AT_type, &attribute) == nullptr || dwarf_formref_die(&attribute, &type) == nullptr)
    return std::nullopt;
  return type;
}

}  // namespace poolscope::go
