#pragma once
// AllocBursts: one bounded look at what a process allocates (level L2). Returns a raw record and knows no policy: how
// long, how often and whether at all is the agent's business.
//   rate()    counts calls of allocating functions: one trap per call.
//   cohort()  follows the objects born in a moment until they are freed: entry and return of allocating functions for
//             births_ns, then only frees and reallocations until follow_ns.
//   frees()   counts calls of freeing functions: one trap per call.
//   growth()  follows allocations and frees in one window and nobody to its end: what grows by a new block, a copy and a free.
//   Blocks    the calling thread for the length of the burst plus 10-40 ms of attaching.
//   Threads   one thread.
//   Harm      the kernel closes the window by itself (deadline, hit limit, pace, fork, exec), also when we are stopped;
//             probes vanish with our descriptors when we die.

#include <array>
#include <cstdint>
#include <string>

#include "exporters/model/record.h"
#include "poolscope/result.h"
#include "probes/attach/detacher.h"
#include "probes/collectors/alloc_programs.h"
#include "probes/collectors/allocator_plan.h"
#include "probes/collectors/caller_steps.h"
#include "probes/collectors/cpu_clock.h"
#include "probes/collectors/process_image.h"

namespace poolscope::probes {

// Calibrated price of one hit in CPU time of the target, by enum alloc_hit.
struct HitCosts {
  std::array<std::uint64_t, ALLOC_HIT_COUNT> emulated_ns{};
  std::uint64_t single_step_extra_ns = 0;  // what a single-stepped instruction adds
};
// Prices for the probe points of this plan.
[[nodiscard]] std::array<std::uint64_t, ALLOC_HIT_COUNT> prices_for(const AllocatorPlan& plan, const HitCosts& costs);

struct BurstFailure {
  enum class Reason { kAttach, kTaskClock, kNoSlot, kTargetForked, kTargetExeced, kTooHot };
  Reason reason;
  std::string detail;
  // What the target paid nevertheless.
  std::uint64_t probe_hits = 0;
  std::uint64_t charge_ns = 0;
};
// snake_case, outcome label of poolscope_bursts_total.
[[nodiscard]] std::string reason_label(BurstFailure::Reason reason);

// The kernel ends a burst whose hits take `charge_ns` of one CPU in less than `window_ns`; 0: it may be as dear as it is. The target is free
// some 1 ms after that.
struct Pace {
  std::uint64_t window_ns = 0;
  std::uint64_t charge_ns = 0;
};

struct RateLimits {
  // Of what the process does without probes. A window that is closed after so much time has seen less than that where probes delay the process,
  // and of work that comes in pulses only the beginnings: it stays open for as long as they have made it late, up to kMostDilation times.
  std::uint64_t length_ns = 5'000'000;
  std::uint64_t hits = 0;  // 0: none
  Pace pace = {};
  double price_factor = 1;  // what a hit takes here, over what calibration said
  static constexpr std::uint64_t kMostDilation = 4;
};

struct CohortLimits {
  std::uint64_t births_ns = 1'000'000;
  std::uint64_t follow_ns = 50'000'000;  // births included
  std::uint64_t hits = 0;
  Pace pace = {};
  // Births last like a window of RateLimits, until the process has done what takes it births_ns without probes. For one that waits in between: else it would
  // be seen doing less than it does.
  bool is_undilated = false;
  double price_factor = 1;
};

// What a burst needs to know about one process; owned by the caller and kept from burst to burst.
struct BurstTarget {
  ProcessImage& image;
  const AllocatorPlan& plan;
  CpuClock& clock;
  CallerSteps& steps;
};

class AllocBursts {
 public:
  AllocBursts(AllocPrograms& programs, attach::Detacher& detacher, const HitCosts& costs)
      : programs_(programs), detacher_(detacher), costs_(costs) {}

  [[nodiscard]] Result<model::BurstRecord, BurstFailure> rate(const BurstTarget& target, const RateLimits& limits);
  [[nodiscard]] Result<model::BurstRecord, BurstFailure> cohort(const BurstTarget& target, const CohortLimits& limits);
  // It has no window of allocations.
  [[nodiscard]] Result<model::BurstRecord, BurstFailure> frees(const BurstTarget& target, const RateLimits& limits);
  // A cohort whose objects are not followed: it has no lifetimes and no window of frees.
  [[nodiscard]] Result<model::BurstRecord, BurstFailure> growth(const BurstTarget& target, const RateLimits& limits);

 private:
  AllocPrograms& programs_;
  attach::Detacher& detacher_;
  const HitCosts& costs_;
};

}  // namespace poolscope::probes
