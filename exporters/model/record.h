#pragma once
// Records: what collectors hand to everything downstream. A record is one bounded look at one process; all its parts
// are sums and histograms, so records of a target merge by adding. Nothing here knows BPF, /proc or a clock.
//   Units     *_ns durations and monotonic times in nanoseconds, *_bytes bytes.
//   Charge    CPU time the probes took from the target: probe hits x calibrated cost. `cpu_ns` includes it, so the
//             undilated CPU time of a window is cpu_ns - charge_ns.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporters/model/histogram.h"

namespace poolscope::model {

// One process for its whole life: a pid alone is reused.
struct ProcessKey {
  std::int32_t pid = 0;
  std::uint64_t start_time_ticks = 0;  // field 22 of /proc/PID/stat
  auto operator<=>(const ProcessKey&) const = default;
};

// A place in the code of a target, resolved when the record was made: addresses mean nothing after the process ends.
struct Frame {
  std::string symbol;        // demangled; empty when the object has no symbol there
  std::string object;        // path of the ELF file as the target names it
  std::uint64_t offset = 0;  // ELF virtual address inside `object`
  std::string source;        // "file.c:123", empty without debug information
  auto operator<=>(const Frame&) const = default;
};

struct CallSiteCounts {
  std::vector<Frame> frames;  // [0] the caller of the allocator, then its callers as far as they were followed
  std::uint64_t calls = 0;
  std::uint64_t requested_bytes = 0;
  std::uint64_t births = 0;       // calls that a cohort followed
  std::uint64_t short_lived = 0;  // of these, freed within 10 ms
  bool operator==(const CallSiteCounts&) const = default;
};

// Buffers that grew by realloc and were freed inside a cohort, per call site of the first allocation. Or single growths by a new block, a
// copy and a free, per call site of the new block: each is a chain of one step, from the size before to the size after.
struct GrowthChainCounts {
  std::vector<Frame> frames;
  std::uint64_t chains = 0;
  std::uint64_t steps = 0;
  std::uint64_t copied_bytes = 0;
  Histogram first_bytes;
  Histogram final_bytes;
  bool is_single_growths = false;
  bool operator==(const GrowthChainCounts&) const = default;
};

// What a process did meanwhile that probes do not change, by the kernel's counters and its own. Absent where nothing tells.
struct Work {
  std::optional<std::uint64_t> io_calls;         // read and write calls
  std::optional<std::uint64_t> waits;            // voluntary context switches
  std::optional<std::uint64_t> allocated_bytes;  // by the count of its runtime (Go)

  // Absent as soon as one part is.
  Work& operator+=(const Work& more);
  bool operator==(const Work&) const = default;
};

// A time window in one process with exactly the probes that `counts` names.
struct Window {
  std::uint64_t start_ns = 0;  // CLOCK_MONOTONIC
  std::uint64_t length_ns = 0;
  std::uint64_t cpu_ns = 0;     // CPU time of the process inside the window, probes included
  std::uint64_t charge_ns = 0;  // of that, taken by probes
  std::uint64_t probe_hits = 0;
  bool ended_by_count = false;  // the hit limit or the pace of hits ended the window, not the clock
  Work work;
  // By how much later than at its begin probes had made the process at its end: what a pause makes up for is not in it. Absent: not followed.
  std::optional<std::uint64_t> late_ns;
  bool operator==(const Window&) const = default;
};

struct AllocationCounts {
  std::uint64_t allocations = 0;
  std::uint64_t allocated_bytes = 0;
  std::uint64_t reallocations = 0;  // realloc of a live block; realloc(NULL) is an allocation, realloc(p, 0) a free
  std::uint64_t frees = 0;
  bool operator==(const AllocationCounts&) const = default;
};

// Ages of objects born in a cohort. Objects alive at the end are censored: they lived at least that long.
struct Lifetimes {
  std::uint64_t births = 0;
  std::uint64_t birth_bytes = 0;
  std::uint64_t followed_ns = 0;  // W: no age beyond it is identified
  Histogram died_ns;              // by age at death, weight 1 per object
  Histogram died_bytes_ns;        // the same, weight = bytes of the object
  Histogram alive_ns;             // age at the end of the cohort
  Histogram alive_bytes_ns;
  bool operator==(const Lifetimes&) const = default;
};

enum class BurstKind {
  kRate,    // allocating functions only, entry probes
  kCohort,  // births for a moment, frees until followed_ns; without births: growth alone was looked for
  kFrees,   // freeing functions only, in free_window
  kExact    // every event, no budget
};

// As JSON writes it.
[[nodiscard]] constexpr const char* burst_kind_name(BurstKind kind) {
  switch (kind) {
    case BurstKind::kRate:
      return "rate";
    case BurstKind::kCohort:
      return "cohort";
    case BurstKind::kFrees:
      return "frees";
    case BurstKind::kExact:
      break;
  }
  return "exact";
}

struct BurstRecord {
  ProcessKey process;
  BurstKind kind = BurstKind::kRate;
  Window allocation_window;                               // allocating functions were counted here
  Window free_window;                                     // frees were counted here; length_ns 0 when they were not
  AllocationCounts counts;                                // frees from free_window, the rest from allocation_window
  std::optional<std::uint64_t> frees_beside_allocations;  // frees in allocation_window; absent when not counted there
  Histogram size_bytes;                                   // requested sizes of allocations and reallocations
  Lifetimes lifetimes;                                    // births 0 when the burst followed none
  std::uint64_t frees_of_older = 0;                       // frees of blocks born before the burst (or not admitted)
  std::uint64_t site_generation = 0;  // raised when callers are followed further; sites of two generations never mix
  std::vector<CallSiteCounts> call_sites;
  std::vector<GrowthChainCounts> growth_chains;
  std::uint64_t probe_hits = 0;                  // of the whole burst, armed or not
  std::uint64_t charge_ns = 0;                   // of the whole burst
  std::map<std::string, std::uint64_t> dropped;  // events lost, by reason
  bool operator==(const BurstRecord&) const = default;
};

// One stratum of a target: what was planned and what the target did meanwhile, burst or not.
struct StratumRecord {
  std::uint64_t start_ns = 0;
  std::uint64_t length_ns = 0;
  std::optional<std::uint64_t> target_cpu_ns;  // CPU time of all processes of the target; absent: none of them told
  Work work;                                   // of all processes
  std::string missing;                         // why no burst was taken; empty when one was
  bool burst_planned = true;                   // false: what is measured of the target needs none
  // What bursts took that ended without a record.
  std::uint64_t unrecorded_hits = 0, unrecorded_charge_ns = 0;
  std::uint64_t ended_cpu_ns = 0;  // part of target_cpu_ns: of processes that ended before it could be read from them
  std::optional<std::uint64_t> fresh_pages;  // that the kernel gave it; absent as soon as one process did not tell
  bool operator==(const StratumRecord&) const = default;
};

// Moments at which a target had a CPU, and what it was at then. A moment has one part at most; the rest is the target's own work.
struct CpuShareRecord {
  std::uint64_t start_ns = 0;  // CLOCK_MONOTONIC
  std::uint64_t length_ns = 0;
  std::uint64_t samples = 0;  // without those in which a probe or a device had interrupted it
  std::uint64_t allocator = 0, copy = 0, page_fault = 0, gc = 0;
  // Of samples: in processes of which nobody knows where the functions of that part are.
  std::uint64_t no_allocator = 0, no_copy = 0, no_gc = 0;
  std::uint64_t collecting = 0;  // of samples: in processes that collect garbage by functions that are known
  std::uint64_t lost = 0;        // there was no room for them
  std::uint64_t charge_ns = 0;
  bool operator==(const CpuShareRecord&) const = default;
};

}  // namespace poolscope::model
