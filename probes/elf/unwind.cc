#include "probes/elf/unwind.h"

#include <algorithm>
#include <cstdlib>
#include <span>

#include <dwarf.h>
#include <elfutils/libdw.h>

#include "probes/elf/limits.h"

namespace poolscope::elf {
namespace {

// DWARF numbers of x86-64 registers (System V ABI, figure 3.36).
constexpr int kRbp = 6;
constexpr int kRsp = 7;
constexpr int kReturnAddress = 16;

struct FreeFrame {
  void operator()(Dwarf_Frame* frame) const { std::free(frame); }
};

// Where the caller's value of a register is, as far as frame steps know.
struct Rule {
  enum class Kind { kUnchanged, kAtCfa, kOther };
  Kind kind = Kind::kOther;
  std::int64_t offset = 0;  // from the CFA, with kAtCfa
};

Rule rule_of(Dwarf_Frame* frame, int register_number) {
  Dwarf_Op buffer[3];
  Dwarf_Op* operations = nullptr;
  std::size_t count = 0;
  if (dwarf_frame_register(frame, register_number, buffer, &operations, &count) != 0) return {};
  if (count == 0) return {operations == nullptr ? Rule::Kind::kUnchanged : Rule::Kind::kOther, 0};
  if (operations[0].atom != DW_OP_call_frame_cfa) return {};
  if (count == 1) return {Rule::Kind::kAtCfa, 0};
  if (count != 2 || operations[1].atom != DW_OP_plus_uconst) return {};
  return {Rule::Kind::kAtCfa, static_cast<std::int64_t>(operations[1].number)};
}

}  // namespace

void Unwinder::EndCfi::operator()(Dwarf_CFI_s* cfi) const {
  dwarf_cfi_end(cfi);
}

Unwinder::Unwinder(const Image& image) {
  const bool too_large =
      std::ranges::any_of(image.sections(),
                          [](const Image::Section& section) {
                            return section.name.starts_with(".eh_frame") && section.header.sh_size > kMaxSectionBytes;
                          }) ||
      std::ranges::any_of(image.segments(), [](const GElf_Phdr& segment) {
        return segment.p_type == PT_GNU_EH_FRAME && segment.p_filesz > kMaxSectionBytes;
      });
  if (!too_large) cfi_.reset(dwarf_getcfi_elf(image.handle()));
}

std::optional<FrameStep> Unwinder::step(std::uint64_t address) const {
  Dwarf_Frame* raw = nullptr;
  if (!cfi_ || dwarf_cfi_addrframe(cfi_.get(), address, &raw) != 0) return std::nullopt;
  const std::unique_ptr<Dwarf_Frame, FreeFrame> frame(raw);

  Dwarf_Addr start = 0, end = 0;
  bool is_signal_frame = false;
  if (dwarf_frame_info(frame.get(), &start, &end, &is_signal_frame) != kReturnAddress || is_signal_frame) {
    return std::nullopt;
  }
  Dwarf_Op* operations = nullptr;
  std::size_t count = 0;
  if (dwarf_frame_cfa(frame.get(), &operations, &count) != 0 || count != 1) return std::nullopt;
  const Dwarf_Op& cfa = operations[0];
  if (cfa.atom != DW_OP_bregx || (cfa.number != kRsp && cfa.number != kRbp)) return std::nullopt;
  const Rule return_address = rule_of(frame.get(), kReturnAddress);
  if (return_address.kind != Rule::Kind::kAtCfa || return_address.offset != -8) return std::nullopt;
  const Rule rbp = rule_of(frame.get(), kRbp);
  if (rbp.kind == Rule::Kind::kOther) return std::nullopt;

  FrameStep step;
  step.cfa_base = cfa.number == kRsp ? FrameStep::Base::kStackPointer : FrameStep::Base::kFramePointer;
  step.cfa_offset = static_cast<std::int64_t>(cfa.number2);
  if (rbp.kind == Rule::Kind::kAtCfa) step.saved_rbp_at_cfa = rbp.offset;
  return step;
}

}  // namespace poolscope::elf
