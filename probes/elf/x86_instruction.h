#pragma once
// x86-64 machine code, one instruction at a time: what the prologue walk and the jump scan have to know of it.
//   Hostile   any bytes may come in: what is no instruction, or is cut off by the end of the bytes, decodes to nothing.
//   Threads   everything here may be used from any thread; nothing keeps state between calls.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <Zydis/Zydis.h>

namespace poolscope::elf {

inline constexpr std::size_t kMaxInstructionBytes = ZYDIS_MAX_INSTRUCTION_LENGTH;

struct Instruction {
  std::uint64_t address = 0;
  std::array<std::uint8_t, kMaxInstructionBytes> bytes{};
  ZydisDecodedInstruction info{};
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> all_operands{};

  [[nodiscard]] std::uint64_t end_address() const { return address + info.length; }
  // Also the hidden ones: `mul` writes rdx, `push` writes rsp.
  [[nodiscard]] std::span<const ZydisDecodedOperand> operands() const {
    return std::span(all_operands).first(info.operand_count);
  }
};

// The instruction at `offset` of `code`, whose first byte is at address `code_address`.
[[nodiscard]] std::optional<Instruction> decode(std::span<const std::uint8_t> code, std::uint64_t code_address,
                                                std::size_t offset);

// "push r12", for people.
[[nodiscard]] std::string text_of(const Instruction& instruction);

// Whether the kernel emulates the instruction under a uprobe instead of single-stepping a copy of it.
[[nodiscard]] bool kernel_emulates(const Instruction& instruction);

// Whether the next instruction in memory may be executed less or more often than this one.
[[nodiscard]] bool ends_straight_line(const Instruction& instruction);

// Where a direct jump, call, conditional jump or loop goes; nothing for every other instruction.
[[nodiscard]] std::optional<std::uint64_t> direct_target(const Instruction& instruction);

// The encoding number of a 64-bit general purpose register (rax 0 ... r15 15).
[[nodiscard]] std::optional<unsigned> gpr64_number(ZydisRegister reg);
// The same for the 64-bit register that holds `reg`: eax, ax, ah and al give 0. Nothing for vector registers and the like.
[[nodiscard]] std::optional<unsigned> enclosing_gpr64_number(ZydisRegister reg);

[[nodiscard]] bool writes(const ZydisDecodedOperand& operand);

}  // namespace poolscope::elf
