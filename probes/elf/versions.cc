#include "probes/elf/versions.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "probes/elf/limits.h"

namespace poolscope::elf {
namespace {

constexpr std::uint16_t kHidden = 0x8000;

template <typename T>
std::optional<T> value_at(std::span<const std::uint8_t> bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

std::string_view string_at(std::span<const std::uint8_t> table, std::uint64_t offset) {
  if (offset >= table.size()) return {};
  const std::size_t limit = std::min<std::size_t>(table.size() - offset, kMaxNameBytes);
  const auto* start = reinterpret_cast<const char*>(table.data()) + offset;
  const std::size_t length = strnlen(start, limit);
  return length == limit ? std::string_view{} : std::string_view(start, length);
}

SymbolVersions::SymbolVersions(const Image& image) {
  const Image::Section* definitions = image.section_of_type(SHT_GNU_verdef);
  const Image::Section* indices = image.section_of_type(SHT_GNU_versym);
  if (definitions == nullptr || indices == nullptr) return;
  if (definitions->header.sh_link >= image.sections().size()) return;
  const auto definition_bytes = image.section_bytes(*definitions, kMaxSectionBytes);
  const auto names = image.section_bytes(image.sections()[definitions->header.sh_link], kMaxSectionBytes);
  const auto index_bytes = image.section_bytes(*indices, kMaxSectionBytes);
  if (!definition_bytes || !names || !index_bytes) return;
  indices_ = *index_bytes;
  read_definitions(*definition_bytes, *names);
}

void SymbolVersions::read_definitions(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> names) {
  std::uint64_t offset = 0;
  for (std::size_t seen = 0; seen < kMaxVersions; ++seen) {
    const auto definition = value_at<Elf64_Verdef>(bytes, offset);
    if (!definition) return;
    const auto name = value_at<Elf64_Verdaux>(bytes, offset + definition->vd_aux);
    const std::size_t index = definition->vd_ndx & ~kHidden;
    if (name && (definition->vd_flags & VER_FLG_BASE) == 0) {
      if (names_.size() <= index) names_.resize(index + 1);
      names_[index] = string_at(names, name->vda_name);
    }
    if (definition->vd_next == 0) return;
    offset += definition->vd_next;
  }
}

SymbolVersions::Version SymbolVersions::of(std::size_t symbol_index) const {
  const auto entry = value_at<std::uint16_t>(indices_, symbol_index * sizeof(std::uint16_t));
  if (!entry) return {};
  const std::size_t index = *entry & ~kHidden;
  if (index >= names_.size() || names_[index].empty()) return {};
  return {names_[index], (*entry & kHidden) == 0};
}

}  // namespace poolscope::elf
