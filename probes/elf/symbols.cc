#include "probes/elf/symbols.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <tuple>

#include "probes/elf/limits.h"
#include "probes/elf/versions.h"

namespace poolscope::elf {
namespace {

using Reason = ElfError::Reason;

// Starts of functions that at() looks back over for one that reaches further; only damaged or hostile files
// nest deeper.
constexpr std::size_t kMaxOverlap = 64;

struct TableBytes {
  std::span<const std::uint8_t> symbols;
  std::span<const std::uint8_t> names;
};

Result<TableBytes, ElfError> table_bytes(const Image& image, const Image::Section& table) {
  const std::string name(table.name);
  if (table.header.sh_size > kMaxSymbols * sizeof(Elf64_Sym)) {
    return image.failure(Reason::kTooLarge, name + " has " + std::to_string(table.header.sh_size / sizeof(Elf64_Sym)) +
                                                " symbols, at most " + std::to_string(kMaxSymbols) + " are read");
  }
  if (table.header.sh_link >= image.sections().size()) {
    return image.failure(Reason::kDamaged, name + " names no string table");
  }
  const Image::Section& strings = image.sections()[table.header.sh_link];
  if (strings.header.sh_size > kMaxSectionBytes) {
    return image.failure(Reason::kTooLarge, "string table of " + std::to_string(strings.header.sh_size) + " bytes");
  }
  const auto symbols = image.section_bytes(table, kMaxSectionBytes);
  const auto names = image.section_bytes(strings, kMaxSectionBytes);
  if (!symbols || !names) return image.failure(Reason::kDamaged, name + " or its names cannot be read");
  return TableBytes{*symbols, *names};
}

// In .symtab the linker writes versions into the name: "memcpy@@GLIBC_2.14", and one @ when it is not the
// default.
void split_version(Symbol& symbol) {
  const std::size_t at = symbol.name.find('@');
  if (at == std::string::npos || at == 0) return;
  symbol.is_default_version = symbol.name.compare(at, 2, "@@") == 0;
  symbol.version = symbol.name.substr(at + (symbol.is_default_version ? 2 : 1));
  symbol.name.resize(at);
}

std::size_t leading_underscores(const Symbol& symbol) {
  return std::min(symbol.name.find_first_not_of('_'), symbol.name.size());
}

bool before(const Symbol& a, const Symbol& b) {
  const auto rank = [](const Symbol& symbol) {
    return std::tuple(symbol.address, !symbol.is_exported, leading_underscores(symbol));
  };
  return std::tuple_cat(rank(a), std::tie(a.name, a.version)) < std::tuple_cat(rank(b), std::tie(b.name, b.version));
}

bool is_defined_function(const Elf64_Sym& entry) {
  const unsigned type = ELF64_ST_TYPE(entry.st_info);
  return (type == STT_FUNC || type == STT_GNU_IFUNC) && entry.st_shndx != SHN_UNDEF;
}

}  // namespace

Result<bool, ElfError> SymbolTable::add(const Image& image, Source source, const CodeMap& code) {
  const Image::Section* table = image.section_of_type(source == Source::kDynamic ? SHT_DYNSYM : SHT_SYMTAB);
  if (table == nullptr) return false;
  const auto bytes = table_bytes(image, *table);
  if (!bytes) return Failure{bytes.error()};
  std::optional<SymbolVersions> versions;
  if (source == Source::kDynamic) versions.emplace(image);

  const std::size_t count = bytes->symbols.size() / sizeof(Elf64_Sym);
  for (std::size_t i = 0; i < count; ++i) {
    Elf64_Sym entry;
    std::memcpy(&entry, bytes->symbols.data() + i * sizeof entry, sizeof entry);
    if (!is_defined_function(entry) || code.find(entry.st_value) == nullptr) continue;
    const std::string_view name = string_at(bytes->names, entry.st_name);
    if (name.empty()) continue;
    name_bytes_ += name.size();
    if (name_bytes_ > kMaxAllNamesBytes || functions_.size() >= kMaxSymbols) {
      return image.failure(Reason::kTooLarge, "too many function names");
    }
    Symbol symbol;
    symbol.name = name;
    symbol.address = entry.st_value;
    symbol.size_bytes = entry.st_size;
    symbol.is_ifunc = ELF64_ST_TYPE(entry.st_info) == STT_GNU_IFUNC;
    symbol.is_exported = versions.has_value();
    if (versions) {
      const SymbolVersions::Version version = versions->of(i);
      symbol.version = version.name;
      symbol.is_default_version = version.is_default;
    } else {
      split_version(symbol);
    }
    functions_.push_back(std::move(symbol));
  }
  return true;
}

void SymbolTable::finish(const CodeMap& code) {
  merge_duplicates();
  std::ranges::sort(functions_, before);
  give_ends(code);
  by_name_.resize(functions_.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  std::ranges::sort(by_name_, {}, [&](std::uint32_t index) {
    const Symbol& symbol = functions_[index];
    return std::tuple(std::string_view(symbol.name), !symbol.is_default_version, !symbol.is_exported, symbol.address);
  });
}

// A name of .symtab that .dynsym has at the same address adds nothing, whatever version either of them
// carries.
void SymbolTable::merge_duplicates() {
  std::ranges::sort(functions_, {}, [](const Symbol& symbol) {
    return std::tuple(symbol.address, std::string_view(symbol.name), !symbol.is_exported,
                      std::string_view(symbol.version));
  });
  std::vector<Symbol> kept;
  kept.reserve(functions_.size());
  for (Symbol& symbol : functions_) {
    const bool repeats = !kept.empty() && kept.back().address == symbol.address && kept.back().name == symbol.name &&
                         (!symbol.is_exported || kept.back().version == symbol.version);
    if (!repeats) kept.push_back(std::move(symbol));
  }
  functions_ = std::move(kept);
}

void SymbolTable::give_ends(const CodeMap& code) {
  std::uint64_t next_address = 0;
  for (std::size_t i = functions_.size(); i-- > 0;) {
    Symbol& symbol = functions_[i];
    if (i + 1 < functions_.size() && functions_[i + 1].address != symbol.address)
      next_address = functions_[i + 1].address;
    const std::uint64_t room_bytes = code.end_of_code(symbol.address) - symbol.address;
    if (symbol.size_bytes == 0) {
      symbol.size_bytes = next_address > symbol.address ? next_address - symbol.address : room_bytes;
    }
    symbol.size_bytes = std::min(symbol.size_bytes, room_bytes);
  }
  std::uint64_t highest = 0;
  ends_before_.reserve(functions_.size());
  for (const Symbol& symbol : functions_) {
    highest = std::max(highest, symbol.address + symbol.size_bytes);
    ends_before_.push_back(highest);
  }
}

std::vector<const Symbol*> SymbolTable::find(std::string_view name) const {
  const auto name_of = [&](std::uint32_t index) -> std::string_view { return functions_[index].name; };
  std::vector<const Symbol*> found;
  for (auto next = std::ranges::lower_bound(by_name_, name, {}, name_of);
       next != by_name_.end() && name_of(*next) == name; ++next) {
    found.push_back(&functions_[*next]);
  }
  return found;
}

const Symbol* SymbolTable::at(std::uint64_t address) const {
  auto end = std::ranges::upper_bound(functions_, address, {}, &Symbol::address);
  for (std::size_t looked = 0; end != functions_.begin() && looked < kMaxOverlap; ++looked) {
    if (ends_before_[static_cast<std::size_t>(end - functions_.begin()) - 1] <= address) return nullptr;
    const auto first = std::ranges::lower_bound(functions_.begin(), end, std::prev(end)->address, {}, &Symbol::address);
    const auto holds = [&](const Symbol& symbol) { return address - symbol.address < symbol.size_bytes; };
    const auto found = std::find_if(first, end, holds);
    if (found != end) return &*found;
    end = first;
  }
  return nullptr;
}

}  // namespace poolscope::elf
