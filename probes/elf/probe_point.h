#pragma once
// ProbePoint: the cheapest instruction of a function that still counts its calls exactly.
//
// A uprobe on an instruction that the kernel emulates (nop, push reg, jmp, jcc, call rel32) costs one trap; on any other
// the kernel single-steps a copy of it, which is about 3 times dearer on bare metal and about 20 times in a nested VM.
// So we walk from the entry while control flow is straight, follow the argument registers through moves and pushes, and
// take the first emulated instruction that
//   (a) runs exactly once per call: nothing in the object's code jumps into (entry, point], and no branch comes before it;
//   (b) still has every needed argument in a known register;
//   (c) starts an instruction;
//   (d) leaves the return address at [rsp] when `needs_return` (a return probe overwrites that slot).
// When there is none, the entry itself is taken, whatever it costs.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "poolscope/result.h"
#include "probes/elf/elf_file.h"

namespace poolscope::elf {

// General purpose registers by their x86-64 encoding numbers, as the cookie hands them to the BPF program.
enum class Register : std::uint8_t { kRax = 0, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi, kR8, kR9, kR10, kR11, kR12, kR13, kR14, kR15 };

enum class CostClass { kEmulated, kSingleStep };

// Count a hit only when (flags & mask) == value; mask 0 counts always.
struct FlagsCondition {
  std::uint32_t mask = 0;
  std::uint32_t value = 0;
};

struct ProbePoint {
  std::uint64_t function_address = 0;
  std::uint64_t address = 0;      // of the chosen instruction
  std::uint64_t file_offset = 0;  // of the chosen instruction: what a uprobe takes
  std::vector<Register> arguments;  // where the integer arguments 0, 1, ... are at that instruction
  std::uint32_t stack_bytes = 0;  // pushed since the entry: the return address is at rsp + stack_bytes
  CostClass cost = CostClass::kSingleStep;
  FlagsCondition flags;
  std::string instruction;        // for people: "push r12"
};

struct ProbeRequest {
  unsigned argument_count = 1;  // System V integer arguments that must be readable: rdi, rsi, rdx
  bool needs_return = false;    // a return or session probe will sit here: stack_bytes must be 0
};

struct ProbePointError {
  enum class Reason { kNoCode, kUndecodable };
  Reason reason;
  std::string function;
};
[[nodiscard]] std::string describe(const ProbePointError& error);

[[nodiscard]] Result<ProbePoint, ProbePointError> choose_probe_point(const ElfFile& file, std::uint64_t function_address,
                                                                     const ProbeRequest& request);

// The point at the first instruction, for comparisons and benchmarks.
[[nodiscard]] Result<ProbePoint, ProbePointError> entry_probe_point(const ElfFile& file, std::uint64_t function_address,
                                                                    const ProbeRequest& request);

// Functions an IFUNC resolver can return: the code addresses it loads. Which one the target uses is decided at its start,
// so all of them are probed.
[[nodiscard]] std::vector<std::uint64_t> ifunc_candidates(const ElfFile& file, std::uint64_t resolver_address);

}  // namespace poolscope::elf
