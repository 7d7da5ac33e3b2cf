#pragma once
// The instructions of .eh_frame, run as far as frame steps need them: where the CFA, the caller's rbp and the return
// address are. Everything else they say is skipped.
//   Why ours  libdw allocates a row of rules for any register number up to 2^28 that a file names, and once more for each
//             state to remember: a few bytes of a hostile file would take gigabytes of the agent's memory.

#include <cstdint>
#include <optional>
#include <span>

#include "probes/elf/elf_file.h"

namespace poolscope::elf {

struct FrameProgram {
  std::span<const std::uint8_t> common;  // instructions of the CIE
  std::span<const std::uint8_t> own;     // instructions of the FDE
  std::uint64_t code_alignment = 1;
  std::int64_t data_alignment = 1;
};

// The step at `code_offset` bytes into the program's function; nothing when the program is damaged, too long, or the row is
// not made of constants.
[[nodiscard]] std::optional<FrameStep> run_frame_program(const FrameProgram& program, std::uint64_t code_offset);

}  // namespace poolscope::elf
