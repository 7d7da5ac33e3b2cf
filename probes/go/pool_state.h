#pragma once
// PoolState: what lies idle in a sync.Pool, read from the memory of the process while it runs. No probe, no stop.
//
// Layout (sync/pool.go and sync/poolqueue.go, the same from Go 1.13 to 1.24): a Pool points to an array with one poolLocal per
// processor (P), and to that of before the last collection, the victims. A poolLocal holds one private object and a chain of ring
// buffers, newest first.
//   Exact     when the pool is not used meanwhile; else as much off as was moved during the reading.
//   Bounds    kMaxLocals, kMaxRings and kMaxSample keep the work small whatever the memory says. More than that: `is_complete` false.
//   Cost      about two reads for each processor that used the pool, some microseconds each, of the reader's CPU time.

#include <cstdint>
#include <optional>
#include <vector>

#include "probes/go/memory_reader.h"

namespace poolscope::go {

struct IdleObject {
  std::uint64_t type = 0;  // of its interface
  std::uint64_t data = 0;
};

struct PoolState {
  static constexpr std::uint64_t kMaxLocals = 1024;
  static constexpr unsigned kMaxRings = 32;       // of one processor: each is twice as large as the one before
  static constexpr std::size_t kMaxSample = 128;  // objects, of all processors together

  std::uint64_t idle = 0;          // objects, victims among them
  std::uint64_t victims = 0;       // of these, dropped by the next collection if nobody gets them
  std::vector<IdleObject> sample;  // some of them: private ones, and those that each ring would give next
  bool is_complete = true;
};

// Nothing when the memory cannot be read, or is no sync.Pool.
[[nodiscard]] std::optional<PoolState> read_pool_state(const MemoryReader& memory, std::uint64_t pool);

}  // namespace poolscope::go
