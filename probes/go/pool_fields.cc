#include "probes/go/pool_fields.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <dwarf.h>

#include "probes/go/dwarf_units.h"

namespace poolscope::go {
namespace {

constexpr std::string_view kPoolType = "sync.Pool";
constexpr unsigned kMaxTypedefs = 16;

// What a chain of typedefs ends in.
std::optional<Dwarf_Die> without_typedefs(std::optional<Dwarf_Die> type) {
  for (unsigned count = 0; type && dwarf_tag(&*type) == DW_TAG_typedef; ++count) {
    if (count == kMaxTypedefs) return std::nullopt;
    type = type_of(*type);
  }
  return type;
}

}  // namespace

// Fills a PoolFields. A type that holds no pool is remembered as kNone.
class PoolFieldReader {
 public:
  PoolFieldReader(PoolFields& fields, const DwarfUnits& units) : fields_(fields), units_(units) {}

  // False: enough was found.
  bool visit(Dwarf_Die& die) {
    if (dwarf_tag(&die) != DW_TAG_variable) return true;
    const auto address = static_address(die);
    auto type = without_typedefs(type_of(die));
    if (!address || !type) return true;
    if (dwarf_tag(&*type) == DW_TAG_pointer_type) {
      add_pointer(die, *address, without_typedefs(type_of(*type)));
    } else if (const auto holder = holder_of(*type, 0)) {
      fields_.variables_.emplace(*address, *holder);
    }
    return fields_.variables_.size() < kMaxPoolVariables;
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  void add_pointer(Dwarf_Die& die, std::uint64_t address, std::optional<Dwarf_Die> pointee) {
    const std::string_view name = name_of(die);
    if (!pointee || name.empty() || fields_.pointers_.size() >= kMaxPoolPointers) return;
    if (const auto holder = holder_of(*pointee, 0)) fields_.pointers_.push_back({std::string(name), address, *holder});
  }

  // Position in types_ of a type that is or holds a pool.
  std::optional<std::uint32_t> holder_of(Dwarf_Die& type, unsigned depth) {
    const Dwarf_Off offset = dwarf_dieoffset(&type);
    const auto found = seen_.find(offset);
    if (found != seen_.end()) return found->second == kNone ? std::nullopt : std::optional(found->second);
    if (depth > kMaxFieldDepth || seen_.size() >= kMaxFieldTypes) return std::nullopt;
    seen_.emplace(offset, kNone);  // a type that holds itself ends here
    auto holder = read(type, depth);
    if (!holder) return std::nullopt;
    const auto position = static_cast<std::uint32_t>(fields_.types_.size());
    fields_.types_.push_back(std::move(*holder));
    seen_[offset] = position;
    return position;
  }

  std::optional<PoolFields::Type> read(Dwarf_Die& type, unsigned depth) {
    const int tag = dwarf_tag(&type);
    PoolFields::Type result;
    result.size_bytes = dwarf_number(type, DW_AT_byte_size).value_or(0);
    if (tag == DW_TAG_array_type) return read_array(type, depth, std::move(result));
    if (tag != DW_TAG_structure_type) return std::nullopt;
    result.is_pool = name_of(type) == kPoolType;
    if (!result.is_pool) read_members(type, depth, result);
    if (!result.is_pool && result.members.empty()) return std::nullopt;
    return result;
  }

  std::optional<PoolFields::Type> read_array(Dwarf_Die& type, unsigned depth, PoolFields::Type result) {
    auto element = without_typedefs(type_of(type));
    const auto holder = element ? holder_of(*element, depth + 1) : std::nullopt;
    if (!holder) return std::nullopt;
    result.element = *holder;
    result.element_bytes = fields_.types_[*holder].size_bytes;
    if (result.element_bytes == 0) return std::nullopt;
    return result;
  }

  void read_members(Dwarf_Die& type, unsigned depth, PoolFields::Type& result) {
    Dwarf_Die member;
    if (dwarf_child(&type, &member) != 0) return;
    for (std::size_t count = 0; count < kMaxTypeMembers && ++members_ <= kMaxFieldMembers; ++count) {
      if (dwarf_tag(&member) == DW_TAG_member) read_member(member, depth, result);
      if (dwarf_siblingof(&member, &member) != 0) return;
    }
  }

  void read_member(Dwarf_Die& member, unsigned depth, PoolFields::Type& result) {
    const std::string_view name = name_of(member);
    const auto offset = dwarf_number(member, DW_AT_data_member_location);
    auto type = without_typedefs(type_of(member));
    if (name.empty() || !offset || !type || kept_ >= kMaxFieldsKept) return;
    const auto holder = holder_of(*type, depth + 1);
    if (!holder) return;
    ++kept_;
    result.members.push_back({std::string(name), *offset, *holder});
  }

  // Empty when it has none, or one that is too long.
  std::string_view name_of(Dwarf_Die& die) const {
    const std::string_view name = units_.name_of(die);
    return name.size() <= kMaxFieldNameBytes ? name : std::string_view{};
  }

  PoolFields& fields_;
  const DwarfUnits& units_;
  std::map<Dwarf_Off, std::uint32_t> seen_;
  std::size_t members_ = 0, kept_ = 0;
};

PoolFields::PoolFields(const elf::ElfFile& file) {
  auto units = DwarfUnits::open(*file.image());
  const auto read = [&] {
    PoolFieldReader reader(*this, *units);
    units->for_each(kMaxFieldEntries, [&](Dwarf_Die& die) { return reader.visit(die); });
  };
  if (units) read();
  if (!types_.empty() || file.debug_image() == nullptr) return;
  units = DwarfUnits::open(*file.debug_image());
  if (units) read();
}

std::optional<std::string> PoolFields::path_in(std::uint32_t type, std::uint64_t offset) const {
  std::string path;
  for (unsigned depth = 0; depth <= kMaxFieldDepth; ++depth) {
    const Type& at = types_[type];
    if (at.is_pool) return offset == 0 ? std::optional(path) : std::nullopt;
    if (at.element_bytes > 0) {
      if (offset >= at.size_bytes) return std::nullopt;
      path += "[" + std::to_string(offset / at.element_bytes) + "]";
      offset %= at.element_bytes;
      type = at.element;
      continue;
    }
    const auto holds = [&](const Member& member) {
      return offset >= member.offset && offset - member.offset < types_[member.type].size_bytes;
    };
    const auto member = std::ranges::find_if(at.members, holds);
    if (member == at.members.end()) return std::nullopt;
    path += "." + member->name;
    offset -= member->offset;
    type = member->type;
  }
  return std::nullopt;
}

std::optional<std::string> PoolFields::path(std::uint64_t address, std::uint64_t offset) const {
  const auto variable = variables_.find(address);
  return variable == variables_.end() ? std::nullopt : path_in(variable->second, offset);
}

std::optional<std::string> PoolFields::name_behind(const Pointer& pointer, std::uint64_t offset) const {
  const auto path = path_in(pointer.type, offset);
  if (!path) return std::nullopt;
  return path->starts_with('.') ? pointer.name + "->" + path->substr(1) : pointer.name + *path;
}

}  // namespace poolscope::go
