#pragma once
// The check at the entry of a Go function whether its stack is large enough: `cmp rsp, [r14 + 16]; jbe`. The jump is emulated under
// a uprobe; when it is taken, the stack grows and the function starts again.

#include <optional>

#include "probes/elf/probe_point.h"
#include "probes/elf/x86_instruction.h"
#include "probes/go/go_program.h"

namespace poolscope::go {

inline constexpr std::uint32_t kZeroFlag = 0x40;
inline constexpr std::uint32_t kCarryFlag = 0x01;

struct StackCheck {
  elf::Instruction jump;
  std::uint64_t file_offset = 0;
  elf::FlagsCondition not_taken;
};

// Nothing when the function does not begin with one, or writes a register with an argument before it.
[[nodiscard]] std::optional<StackCheck> find_stack_check(const GoProgram& program, const GoFunction& function);

}  // namespace poolscope::go
