#pragma once
// PoolPoints: where to probe sync.Pool in a Go program so that every Get, miss and Put costs one emulated trap.
//
// All three points are conditional jumps inside sync.(*Pool).Get and Put that test a word against nil. A uprobe on a
// conditional jump is emulated, and the zero flag at that moment is the outcome. They are found by following the values
// of the function's arguments through its code (value_flow.h), so other releases and build modes may arrange registers
// and frames otherwise:
//   put   `x == nil`: once per Put.                                 ZF: Put(nil)
//   get   `x == nil` after all places were tried: once per Get.     ZF: a miss; else x is what Get returns
//   miss  `p.New != nil`: once per miss, and not at all on a hit.   ZF: the pool has no New, Get returns nil
// Exact     every way through the function is looked at: a point is taken only when each call passes it exactly once
//           (get, put) or at most once (miss), and it is in no loop. Compared with a program that counts itself: equal.
// Fallback  the jump of the stack check at the entry, with the arguments in registers; it runs once more when the stack
//           grows, so count_when leaves out the hits on which the jump is taken. Then Get tells neither misses nor
//           objects.
// Race      under the race detector Put drops one object in four after the put point, and misses are not those
//           of production: the counts are exact and of no use for advice (GoProgram::has_race_detector()).
// Inlined   Go does not inline Get and Put (too large); calls that a compiler inlined nevertheless are not seen.
// Cost      a few milliseconds; no state is kept.

#include <cstdint>
#include <optional>
#include <string>

#include "poolscope/result.h"
#include "probes/elf/probe_point.h"
#include "probes/go/go_program.h"
#include "probes/go/stack_check.h"
#include "probes/go/value_flow.h"

namespace poolscope::go {

// Where a point is no more than the fallback, or missing, and why.
enum class PointState {
  kExact,
  kUndecodable,     // the function has bytes that are no instructions, or too many of them
  kIndirectJump,    // the function jumps through a table: its ways cannot be listed
  kTestNotFound,    // the function does not test what the released ones test
  kNotOncePerCall,  // it does, but not on every way through the function, or in a loop
  kValueLost,       // the test is there, but the pool is in no register or stack slot at it
  kNoStackCheck,    // nor is there a stack check at the entry to fall back to: no point at all
};
[[nodiscard]] const char* text_of(PointState state);

struct PoolPoint {
  std::uint64_t function_address = 0;
  std::uint64_t address = 0;
  std::uint64_t file_offset = 0;      // what a uprobe takes
  elf::FlagsCondition count_when;     // mask 0: every hit counts
  bool tells_outcome = false;         // ZF says what the table above says
  ValueLocation pool;                 // *sync.Pool
  std::optional<ValueLocation> type;  // type word of the object; on get without ZF only
  std::optional<ValueLocation> data;  // its data word
  std::string instruction;            // for people: "jnz 0x464706"
};

struct PoolPoints {
  std::optional<PoolPoint> get;
  std::optional<PoolPoint> miss;
  std::optional<PoolPoint> put;
  PointState get_state = PointState::kExact;
  PointState miss_state = PointState::kExact;  // anything else: miss is absent
  PointState put_state = PointState::kExact;
  std::optional<std::uint32_t> new_offset;  // of the field New in sync.Pool, as the code reads it

  // Once per garbage collection, with the world stopped.
  std::optional<std::uint64_t> pool_cleanup_address;
  // The variables ([]*sync.Pool each): pools that were used since the last collection, and before it.
  std::optional<std::uint64_t> all_pools_address;
  std::optional<std::uint64_t> old_pools_address;
};

struct PoolPointsError {
  enum class Reason { kPoolNotLinked };  // the program does not use sync.Pool
  Reason reason;
  std::string object;
};
[[nodiscard]] std::string describe(const PoolPointsError& error);

[[nodiscard]] Result<PoolPoints, PoolPointsError> find_pool_points(const GoProgram& program);

}  // namespace poolscope::go
