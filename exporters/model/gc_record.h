#pragma once
// Garbage collection records: what one look at the books of a runtime's garbage collector gave. As all records: sums that merge
// by adding. Counters are what was added since the record before; the first record of a process (length_ns 0) holds what the
// runtime had counted until then, so that the sum of all records of a process is the runtime's own counter. When a process ends,
// its records stay: sums over a target never fall.

#include <cstdint>
#include <map>
#include <optional>

#include "exporters/model/record.h"

namespace poolscope::model {

struct GcCounters {
  std::uint64_t cycles = 0;
  std::uint64_t forced_cycles = 0;  // of these, asked for by the program
  std::uint64_t pause_ns = 0;       // for which the program stood still
  std::uint64_t allocated_bytes = 0;
  std::uint64_t freed_bytes = 0;
  // Objects are read from a larger part of the memory than bytes, and not in every record: one that could not read them counts
  // none, the next one makes up for it. They are all objects where bytes_of_objects is allocated_bytes.
  std::uint64_t bytes_of_objects = 0;
  std::uint64_t allocated_objects = 0;                                  // large ones included
  std::map<std::uint64_t, std::uint64_t> allocated_objects_by_class{};  // bytes of the class -> objects; no large ones
  std::optional<std::uint64_t> gc_cpu_ns{};                             // without idle marking; absent: not found
  bool operator==(const GcCounters&) const = default;
};

// Cycles that were seen one by one.
struct GcCycles {
  std::uint64_t cycles = 0;
  std::uint64_t assist_ns = 0;     // that allocating goroutines spent on marking
  std::uint64_t idle_mark_ns = 0;  // marking on processors that had nothing else to do
  // Of these, cycles that were seen with the one before them: what was allocated in between, and how much of it the cycle left
  // alive. The collector does not tell old from new: at least what the live heap grew by, at most the live heap.
  std::uint64_t followed_cycles = 0;
  std::uint64_t allocated_bytes = 0;
  std::uint64_t survived_bytes_at_least = 0;
  std::uint64_t survived_bytes_at_most = 0;
  bool operator==(const GcCycles&) const = default;
};

// The state of the heap at the end of the record.
struct GcHeap {
  std::optional<std::uint64_t> live_bytes{};          // marked by the last cycle; absent before the first
  std::optional<std::uint64_t> goal_bytes{};          // heap size that starts the next cycle; absent when nothing does
  std::optional<double> gogc_percent{};               // absent when off
  std::optional<std::uint64_t> memory_limit_bytes{};  // absent when none is set
  bool operator==(const GcHeap&) const = default;
};

struct GcRecord {
  ProcessKey process;
  std::uint64_t start_ns = 0;           // CLOCK_MONOTONIC
  std::uint64_t length_ns = 0;          // 0: the first record of the process
  std::optional<std::uint64_t> cpu_ns;  // CPU time of the process meanwhile
  GcCounters counted;
  GcCycles watched;  // all 0 where cycles are not probed
  bool cycles_are_watched = false;
  GcHeap heap;
  std::uint64_t probe_hits = 0;
  std::uint64_t charge_ns = 0;
  std::uint64_t dropped_cycles = 0;  // counted, but missing in `watched`: the buffer was full
  bool operator==(const GcRecord&) const = default;
};

}  // namespace poolscope::model
