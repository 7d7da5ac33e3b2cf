#pragma once
// FunctionCode: the instructions of one function, and where control goes after each.
//   Hostile  at most kMaxFunctionInstructions; bytes that do not decode give nothing.

#include <cstdint>
#include <optional>
#include <vector>

#include "probes/elf/elf_file.h"
#include "probes/elf/x86_instruction.h"

namespace poolscope::go {

inline constexpr std::size_t kMaxFunctionInstructions = 1024;

class FunctionCode {
 public:
  // The bytes from `address` on, `size_bytes` of them, without the padding (int3) at the end. Nothing when a byte of
  // them is no instruction, or there are too many.
  [[nodiscard]] static std::optional<FunctionCode> read(const elf::ElfFile& file, std::uint64_t address,
                                                        std::uint64_t size_bytes);

  [[nodiscard]] const std::vector<elf::Instruction>& instructions() const { return instructions_; }
  [[nodiscard]] const elf::Instruction& operator[](std::size_t index) const { return instructions_[index]; }
  [[nodiscard]] std::size_t size() const { return instructions_.size(); }
  [[nodiscard]] std::optional<std::size_t> index_of(std::uint64_t address) const;

  // The next instructions inside the function. A jump to its entry counts as leaving it: that is how Go starts a
  // function again after it has grown the stack.
  struct Successors {
    std::optional<std::size_t> next;    // falls through
    std::optional<std::size_t> target;  // of a direct jump
    bool leaves = false;                // returns, or jumps out of the function other than to its entry
    bool restarts = false;              // jumps to the entry
  };
  [[nodiscard]] Successors successors(std::size_t index) const;
  // Whether a jump takes its target from a register or from memory: then the successors are not all of them.
  [[nodiscard]] bool has_indirect_jump() const;

  // Whether every way from the entry to a return passes the instruction, and none passes it twice.
  [[nodiscard]] bool runs_once_per_call(std::size_t index) const;
  // Whether no way from the instruction leads back to it.
  [[nodiscard]] bool runs_at_most_once_per_call(std::size_t index) const;

 private:
  struct Reach {
    std::vector<bool> visited;
    bool leaves = false;
  };
  // From `starts`, not through `barrier`.
  [[nodiscard]] Reach reach(std::vector<std::size_t> starts, std::optional<std::size_t> barrier) const;

  std::vector<elf::Instruction> instructions_;
};

[[nodiscard]] bool is_conditional_jump(const elf::Instruction& instruction);

}  // namespace poolscope::go
