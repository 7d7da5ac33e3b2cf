#include "probes/elf/unwind.h"

#include <algorithm>
#include <string_view>

#include <dwarf.h>
#include <elfutils/libdw.h>

#include "probes/elf/byte_reader.h"
#include "probes/elf/limits.h"

namespace poolscope::elf {
namespace {

constexpr unsigned kReturnAddress = 16;

std::span<const std::uint8_t> between(const std::uint8_t* start, const std::uint8_t* end) {
  return start <= end ? std::span(start, end) : std::span<const std::uint8_t>{};
}

// A pointer as the low four bits of its encoding say; fails the reader for formats that x86-64 compilers do not write.
std::uint64_t encoded_value(ByteReader& reader, std::uint8_t encoding) {
  switch (encoding & 0x0f) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
      return reader.fixed<std::uint64_t>();
    case DW_EH_PE_udata4:
      return reader.fixed<std::uint32_t>();
    case DW_EH_PE_sdata4:
      return static_cast<std::uint64_t>(std::int64_t{reader.fixed<std::int32_t>()});
    case DW_EH_PE_udata2:
      return reader.fixed<std::uint16_t>();
    case DW_EH_PE_sdata2:
      return static_cast<std::uint64_t>(std::int64_t{reader.fixed<std::int16_t>()});
    case DW_EH_PE_uleb128:
      return reader.uleb();
    default:
      reader.skip(~std::uint64_t{0});
      return 0;
  }
}

// What the letters of a CIE's augmentation say about its FDEs; nothing for signal frames and unknown letters.
std::optional<std::uint8_t> pointer_encoding(std::string_view letters, std::span<const std::uint8_t> data) {
  std::uint8_t encoding = DW_EH_PE_absptr;
  if (letters.empty()) return encoding;
  if (!letters.starts_with('z')) return std::nullopt;
  ByteReader reader(data);
  for (const char letter : letters.substr(1)) {
    switch (letter) {
      case 'R':
        encoding = reader.fixed<std::uint8_t>();
        break;
      case 'L':
        reader.skip(1);
        break;
      case 'P':
        encoded_value(reader, reader.fixed<std::uint8_t>());
        break;
      default:
        return std::nullopt;
    }
  }
  const bool is_known_base = (encoding & 0xf0) == DW_EH_PE_absptr || (encoding & 0xf0) == DW_EH_PE_pcrel;
  return reader.failed() || !is_known_base ? std::nullopt : std::optional(encoding);
}

}  // namespace

Unwinder::Unwinder(const Image& image) {
  const Image::Section* section = image.section_named(".eh_frame");
  if (section == nullptr) return;
  const auto bytes = image.section_bytes(*section, kMaxSectionBytes);
  if (!bytes) return;
  bytes_ = *bytes;
  address_ = section->header.sh_addr;
  read_functions(image);
}

void Unwinder::read_functions(const Image& image) {
  const unsigned char* ident = image.header().e_ident;
  Elf_Data data{};
  data.d_buf = const_cast<std::uint8_t*>(bytes_.data());  // libdw does not write to it
  data.d_size = bytes_.size();
  Dwarf_Off offset = 0, next = 0;
  for (Dwarf_CFI_Entry entry; functions_.size() < kMaxFrameFunctions; offset = next) {
    const int result = dwarf_next_cfi(ident, &data, /*eh_frame_p=*/true, offset, &next, &entry);
    if (result > 0 || next <= offset || next == static_cast<Dwarf_Off>(-1)) break;
    if (result < 0 || dwarf_cfi_cie_p(&entry)) continue;
    const Common& common = common_at(ident, entry.fde.CIE_pointer);
    if (common.is_usable) add_function(common, between(entry.fde.start, entry.fde.end));
  }
  std::ranges::sort(functions_, {}, &Function::start);
}

const Unwinder::Common& Unwinder::common_at(const unsigned char* ident, std::uint64_t offset) {
  const auto [place, is_new] = commons_.try_emplace(offset);
  Common& common = place->second;
  if (!is_new || offset >= bytes_.size()) return common;
  Elf_Data data{};
  data.d_buf = const_cast<std::uint8_t*>(bytes_.data());
  data.d_size = bytes_.size();
  Dwarf_Off next = 0;
  Dwarf_CFI_Entry entry;
  if (dwarf_next_cfi(ident, &data, true, offset, &next, &entry) != 0 || !dwarf_cfi_cie_p(&entry)) return common;
  const Dwarf_CIE& cie = entry.cie;
  const auto encoding =
      pointer_encoding(cie.augmentation, std::span(cie.augmentation_data, cie.augmentation_data_size));
  if (!encoding || cie.return_address_register != kReturnAddress) return common;
  common.instructions = between(cie.initial_instructions, cie.initial_instructions_end);
  common.code_alignment = cie.code_alignment_factor;
  common.data_alignment = cie.data_alignment_factor;
  common.pointer_encoding = *encoding;
  common.has_sized_augmentation = cie.augmentation[0] == 'z';
  common.is_usable = true;
  return common;
}

void Unwinder::add_function(const Common& common, std::span<const std::uint8_t> description) {
  if (description.data() == nullptr) return;
  ByteReader reader(description);
  std::uint64_t start = encoded_value(reader, common.pointer_encoding);
  if ((common.pointer_encoding & 0xf0) == DW_EH_PE_pcrel) {
    start += address_ + static_cast<std::uint64_t>(description.data() - bytes_.data());
  }
  const std::uint64_t size_bytes = encoded_value(reader, common.pointer_encoding & 0x07);  // a size has no sign
  if (common.has_sized_augmentation) reader.skip(reader.uleb());
  std::uint64_t end = 0;
  if (reader.failed() || size_bytes == 0 || __builtin_add_overflow(start, size_bytes, &end)) return;
  functions_.push_back({start, end, reader.rest(), &common});
}

std::optional<FrameStep> Unwinder::step(std::uint64_t address) const {
  const auto next = std::ranges::upper_bound(functions_, address, {}, &Function::start);
  if (next == functions_.begin()) return std::nullopt;
  const Function& function = *std::prev(next);
  if (address >= function.end) return std::nullopt;
  const FrameProgram program{function.common->instructions, function.instructions, function.common->code_alignment,
                             function.common->data_alignment};
  return run_frame_program(program, address - function.start);
}

}  // namespace poolscope::elf
