#pragma once
// ProbePoint: the cheapest instruction of a function that still counts its calls exactly.
//
// A uprobe on an instruction that the kernel emulates (nop, push reg, jmp, jcc, call rel32) costs one trap; on any other
// the kernel single-steps a copy of it, which is about 3 times dearer on bare metal and about 20 times in a nested VM.
// So we walk from the entry while control flow is straight (at most 64 instructions or 256 bytes), follow the argument
// registers through moves and the stack pointer through pushes, and take the first emulated instruction that
//   (a) runs exactly once per call: no branch, call or second symbol comes before it, and neither a direct branch of the
//       object's code nor a jump table of the function can lead into (entry, point];
//   (b) still has every needed argument in a known register;
//   (c) starts an instruction;
//   (d) still has the return address at [rsp] when `needs_return` (a return probe overwrites that slot).
// When there is none, the entry itself is taken, whatever it costs.
//   A call   is one arrival at the entry. A function that loops by jumping to its very first byte counts once per round, at
//            this point as at +0: from outside that is the same as a tail call.
//   Doubt    (bytes that only look like a branch, code that cannot be read) makes the probe dearer, never the count wrong.
//   Not seen a computed goto through one loaded pointer (`goto **pc`) to a label in front of the first branch of its function.
//   Cost     a function whose entry is emulated: a few us; any other: a pass over its code segment, about 1 ms per megabyte.
//   Threads  as many as like, as far as the ElfFile allows.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "poolscope/result.h"
#include "probes/elf/elf_file.h"

namespace poolscope::elf {

// General purpose registers by their x86-64 encoding numbers, as the cookie hands them to the BPF program.
enum class Register : std::uint8_t {
  kRax = 0,
  kRcx,
  kRdx,
  kRbx,
  kRsp,
  kRbp,
  kRsi,
  kRdi,
  kR8,
  kR9,
  kR10,
  kR11,
  kR12,
  kR13,
  kR14,
  kR15
};

// Where System V passes the integer arguments 0, 1, ...
inline constexpr std::array kArgumentRegisters = {Register::kRdi, Register::kRsi, Register::kRdx,
                                                  Register::kRcx, Register::kR8,  Register::kR9};

enum class CostClass { kEmulated, kSingleStep };

// Count a hit only when (flags & mask) == value; mask 0 counts always.
struct FlagsCondition {
  std::uint32_t mask = 0;
  std::uint32_t value = 0;
};

struct ProbePoint {
  std::uint64_t function_address = 0;
  std::uint64_t address = 0;        // of the chosen instruction
  std::uint64_t file_offset = 0;    // of the chosen instruction: what a uprobe takes
  std::vector<Register> arguments;  // where the integer arguments 0, 1, ... are at that instruction
  std::uint32_t stack_bytes = 0;    // pushed since the entry: the return address is at rsp + stack_bytes
  CostClass cost = CostClass::kSingleStep;
  FlagsCondition flags;
  std::string instruction;  // for people: "push r12"
};

struct ProbeRequest {
  unsigned argument_count = 1;  // System V integer arguments that must be readable: at most 6, more abort
  bool needs_return = false;    // a return or session probe will sit here: stack_bytes must be 0
};

struct ProbePointError {
  enum class Reason { kNoCode, kUndecodable };
  Reason reason;
  std::string function;  // "libc.so.6:malloc", or the address where no symbol starts there
};
[[nodiscard]] std::string describe(const ProbePointError& error);

[[nodiscard]] Result<ProbePoint, ProbePointError> choose_probe_point(const ElfFile& file,
                                                                     std::uint64_t function_address,
                                                                     const ProbeRequest& request);

// The point at the first instruction, for comparisons and benchmarks.
[[nodiscard]] Result<ProbePoint, ProbePointError> entry_probe_point(const ElfFile& file, std::uint64_t function_address,
                                                                    const ProbeRequest& request);

// Functions an IFUNC resolver can return, sorted: the code addresses it loads. Which one the target uses is decided at its
// start, so all of them are probed. Empty when it loads none, or takes them from a table in data.
[[nodiscard]] std::vector<std::uint64_t> ifunc_candidates(const ElfFile& file, std::uint64_t resolver_address);

}  // namespace poolscope::elf
