#include "probes/go/stack_check.h"

#include <algorithm>

#include "probes/go/value_flow.h"

namespace poolscope::go {
namespace {

constexpr std::size_t kMaxBeforeCheck = 8;  // instructions between the entry and the jump

// r12 and r13 are scratch at the entry of a function of Go.
bool keeps_arguments(const elf::Instruction& instruction) {
  return std::ranges::none_of(instruction.operands(), [](const auto& operand) {
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER || !elf::writes(operand)) return false;
    const auto number = elf::enclosing_gpr64_number(operand.reg.value);
    return number && *number != ValueFlow::number(elf::Register::kR12) &&
           *number != ValueFlow::number(elf::Register::kR13);
  });
}

}  // namespace

std::optional<StackCheck> find_stack_check(const GoProgram& program, const GoFunction& function) {
  const auto code = program.file().read_code(function.address, kMaxBeforeCheck * elf::kMaxInstructionBytes);
  std::size_t offset = 0;
  for (std::size_t count = 0; count < kMaxBeforeCheck; ++count) {
    const auto instruction = elf::decode(code, function.address, offset);
    if (!instruction) return std::nullopt;
    offset += instruction->info.length;
    if (!elf::ends_straight_line(*instruction)) {
      if (!keeps_arguments(*instruction)) return std::nullopt;
      continue;
    }
    const auto file_offset = program.file().file_offset(instruction->address);
    const bool is_check = instruction->info.mnemonic == ZYDIS_MNEMONIC_JBE && elf::kernel_emulates(*instruction);
    if (!is_check || !file_offset) return std::nullopt;
    return StackCheck{*instruction, *file_offset, {kZeroFlag | kCarryFlag, 0}};
  }
  return std::nullopt;
}

}  // namespace poolscope::go
