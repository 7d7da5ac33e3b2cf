#include "probes/go/data_symbols.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <dwarf.h>

#include "probes/elf/image.h"
#include "probes/elf/limits.h"
#include "probes/go/dwarf_units.h"

namespace poolscope::go {
namespace {

bool is_writable(const elf::Image& image, std::uint64_t address) {
  return std::ranges::any_of(image.segments(), [&](const GElf_Phdr& segment) {
    return segment.p_type == PT_LOAD && (segment.p_flags & PF_W) != 0 && address >= segment.p_vaddr &&
           address - segment.p_vaddr < segment.p_memsz;
  });
}

std::uint64_t size_of(Dwarf_Die& variable) {
  auto type = type_of(variable);
  Dwarf_Word bytes = 0;
  return type && dwarf_aggregate_size(&*type, &bytes) == 0 ? bytes : 0;
}

}  // namespace

DataSymbols::DataSymbols(const elf::ElfFile& file) {
  const auto try_source = [&](auto read, const elf::Image* image, Source source) {
    if (!entries_.empty() || image == nullptr) return;
    (this->*read)(file, *image);
    if (!entries_.empty()) source_ = source;
  };
  try_source(&DataSymbols::read_symbol_table, file.image(), Source::kSymbolTable);
  // the debug file is looked for only where it is needed
  if (entries_.empty()) try_source(&DataSymbols::read_symbol_table, file.debug_image(), Source::kSymbolTable);
  try_source(&DataSymbols::read_dwarf, file.image(), Source::kDwarf);
  if (entries_.empty()) try_source(&DataSymbols::read_dwarf, file.debug_image(), Source::kDwarf);
  std::ranges::stable_sort(entries_, {}, &Entry::address);
}

void DataSymbols::add(const elf::ElfFile& file, Entry entry) {
  // runtime.bss and the like mark places and have no size
  const bool is_variable = !entry.name.empty() && entry.size_bytes != 0;
  if (is_variable && is_writable(*file.image(), entry.address)) entries_.push_back(entry);
}

void DataSymbols::read_symbol_table(const elf::ElfFile& file, const elf::Image& image) {
  const auto* table = image.section_of_type(SHT_SYMTAB);
  if (table == nullptr || table->header.sh_link >= image.sections().size()) return;
  const auto symbols = image.section_bytes(*table, elf::kMaxSectionBytes);
  const auto names = image.section_bytes(image.sections()[table->header.sh_link], elf::kMaxSectionBytes);
  if (!symbols || !names || symbols->size() / sizeof(Elf64_Sym) > kMaxDataSymbols) return;
  for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= symbols->size(); at += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol;
    std::memcpy(&symbol, symbols->data() + at, sizeof symbol);
    if (ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT || symbol.st_shndx == SHN_UNDEF || symbol.st_name >= names->size())
      continue;
    const auto* start = reinterpret_cast<const char*>(names->data()) + symbol.st_name;
    const std::size_t room_bytes = std::min<std::size_t>(names->size() - symbol.st_name, elf::kMaxNameBytes);
    add(file, {symbol.st_value, symbol.st_size, {start, strnlen(start, room_bytes)}});
  }
}

void DataSymbols::read_dwarf(const elf::ElfFile& file, const elf::Image& image) {
  auto units = DwarfUnits::open(image);
  if (!units) return;
  dwarf_ = std::make_shared<const DwarfUnits>(std::move(*units));
  const bool is_whole = dwarf_->for_each(2 * kMaxDataSymbols, [&](Dwarf_Die& die) {
    if (dwarf_tag(&die) != DW_TAG_variable) return true;
    const auto address = static_address(die);
    const std::string_view name = dwarf_->name_of(die);
    if (address && !name.empty()) add(file, {*address, size_of(die), name});
    return true;
  });
  if (!is_whole) entries_.clear();
}

std::optional<DataSymbol> DataSymbols::at(std::uint64_t address) const {
  const auto next = std::ranges::upper_bound(entries_, address, {}, &Entry::address);
  if (next == entries_.begin()) return std::nullopt;
  const Entry& entry = *std::prev(next);
  if (address - entry.address >= entry.size_bytes) return std::nullopt;
  return DataSymbol{std::string(entry.name), entry.address, entry.size_bytes, address - entry.address};
}

std::optional<DataSymbol> DataSymbols::find(std::string_view name) const {
  const auto found = std::ranges::find(entries_, name, &Entry::name);
  if (found == entries_.end()) return std::nullopt;
  return DataSymbol{std::string(found->name), found->address, found->size_bytes, 0};
}

}  // namespace poolscope::go
