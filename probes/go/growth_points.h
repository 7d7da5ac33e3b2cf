#pragma once
// GrowthPoints: where to probe runtime.growslice, through which every append() goes that needs a larger array, so that each growth costs
// two emulated traps and no return probe:
//   call  the jump of the stack check at its entry (not taken: else the function starts again with a larger stack). The arguments
//         are in their registers, the return address is at rsp.
//   copy  the call of runtime.memmove, once per growth: new array, old array and bytes to copy are its arguments; the new
//         capacity is the value that every return after it hands out, found by following it back through the code.
// Exact     a point is taken only when no call of growslice passes it twice; elements of size 0 and appends that panic pass the first
//           alone.
// Versions  Go 1.17 to 1.19 pass (type, array, length, capacity, needed length), from 1.20 on (array, new length, capacity, count,
//           type). Proved is 1.19 (GoProgram::is_verified()).
// Cost      a few milliseconds; no state is kept.

#include <cstdint>
#include <string>

#include "poolscope/result.h"
#include "probes/elf/probe_point.h"
#include "probes/go/go_program.h"
#include "probes/go/value_flow.h"

namespace poolscope::go {

struct GrowthPoints {
  std::uint64_t function_address = 0;
  std::uint64_t call_address = 0, copy_address = 0;
  std::uint64_t call_offset = 0;        // in the file: what a uprobe takes
  elf::FlagsCondition count_call_when;  // the jump is not taken
  ValueLocation old_capacity;           // at the call, in elements
  ValueLocation type;                   // at the call: of one element
  std::uint64_t copy_offset = 0;
  ValueLocation new_array, old_array, copied_bytes, new_capacity;  // at the copy; the last in elements
  std::string call_instruction, copy_instruction;                  // for people
};

struct GrowthPointsError {
  enum class Reason {
    kNotLinked,     // the program never appends
    kNoStackCheck,  // the entry is not that of released versions
    kUndecodable,   // it has bytes that are no instructions, or jumps through a table
    kNoCopy,        // it does not call memmove, or not once
    kCapacityLost,  // the new capacity cannot be found when it copies
  };
  Reason reason;
  std::string object;
};
[[nodiscard]] std::string describe(const GrowthPointsError& error);
// snake_case, `reason` of the collector.
[[nodiscard]] std::string reason_label(GrowthPointsError::Reason reason);

[[nodiscard]] Result<GrowthPoints, GrowthPointsError> find_growth_points(const GoProgram& program);

}  // namespace poolscope::go
