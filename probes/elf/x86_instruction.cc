#include "probes/elf/x86_instruction.h"

#include <algorithm>

namespace poolscope::elf {
namespace {

ZydisDecoder make_decoder() {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  return decoder;
}

ZydisFormatter make_formatter() {
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_ADDR_PADDING_ABSOLUTE, ZYDIS_PADDING_DISABLED);
  ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
  return formatter;
}

}  // namespace

std::optional<Instruction> decode(std::span<const std::uint8_t> code, std::uint64_t code_address, std::size_t offset) {
  static const ZydisDecoder decoder = make_decoder();
  if (offset >= code.size()) return std::nullopt;
  const auto rest = code.subspan(offset, std::min(code.size() - offset, kMaxInstructionBytes));
  Instruction result;
  if (!ZYAN_SUCCESS(
          ZydisDecoderDecodeFull(&decoder, rest.data(), rest.size(), &result.info, result.all_operands.data())))
    return std::nullopt;
  result.address = code_address + offset;
  std::copy_n(rest.begin(), result.info.length, result.bytes.begin());
  return result;
}

std::string text_of(const Instruction& instruction) {
  static const ZydisFormatter formatter = make_formatter();
  std::array<char, 128> buffer{};
  const auto status = ZydisFormatterFormatInstruction(&formatter, &instruction.info, instruction.all_operands.data(),
                                                      instruction.info.operand_count_visible, buffer.data(),
                                                      buffer.size(), instruction.address, nullptr);
  return ZYAN_SUCCESS(status) ? buffer.data() : ZydisMnemonicGetString(instruction.info.mnemonic);
}

// Linux, arch/x86/kernel/uprobes.c:
//   branch_setup_xol_ops()  90 nop; eb, e9 jmp; e8 call; 70-7f and 0f 80-8f jcc
//   push_setup_xol_ops()    50-57 push of a register, also with REX.B alone (41 50-57)
// Only these plain encodings count here. With an operand-size prefix the kernel refuses to probe a branch at all;
// multi-byte nops are emulated by new kernels only; endbr64, ret, pop, indirect jumps and calls by none.
bool kernel_emulates(const Instruction& instruction) {
  const unsigned first = instruction.bytes[0];
  const unsigned second = instruction.bytes[1];
  const auto in = [](unsigned byte, unsigned low, unsigned high) { return low <= byte && byte <= high; };
  switch (instruction.info.length) {
    case 1:
      return first == 0x90 || in(first, 0x50, 0x57);  // nop, push rax..rdi
    case 2:
      return first == 0xeb || in(first, 0x70, 0x7f) || (first == 0x41 && in(second, 0x50, 0x57));  // push r8..r15
    case 5:
      return first == 0xe8 || first == 0xe9;
    case 6:
      return first == 0x0f && in(second, 0x80, 0x8f);
    default:
      return false;
  }
}

bool ends_straight_line(const Instruction& instruction) {
  switch (instruction.info.meta.category) {
    case ZYDIS_CATEGORY_CALL:     // may not come back, or come back twice (setjmp, fork)
    case ZYDIS_CATEGORY_COND_BR:  // also loop, jrcxz and xbegin
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_SYSCALL:  // may come back twice (vfork)
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_SYSTEM:  // hlt
    case ZYDIS_CATEGORY_INTERRUPT:
      return true;
    default:
      break;
  }
  const auto mnemonic = instruction.info.mnemonic;
  return mnemonic == ZYDIS_MNEMONIC_UD0 || mnemonic == ZYDIS_MNEMONIC_UD1 || mnemonic == ZYDIS_MNEMONIC_UD2;
}

std::optional<std::uint64_t> direct_target(const Instruction& instruction) {
  for (const auto& operand : instruction.operands()) {
    if (operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operand.imm.is_relative)
      return instruction.end_address() + static_cast<std::uint64_t>(operand.imm.value.s);
  }
  return std::nullopt;
}

std::optional<unsigned> gpr64_number(ZydisRegister reg) {
  if (ZydisRegisterGetClass(reg) != ZYDIS_REGCLASS_GPR64) return std::nullopt;
  return static_cast<unsigned>(ZydisRegisterGetId(reg));
}

std::optional<unsigned> enclosing_gpr64_number(ZydisRegister reg) {
  return gpr64_number(ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg));
}

bool writes(const ZydisDecodedOperand& operand) {
  return (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
}

}  // namespace poolscope::elf
