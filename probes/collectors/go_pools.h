#pragma once
// GoPools: every sync.Pool of one Go process, seen from outside (probe points: probes/go/pool_points.h).
//   Watch     misses and garbage collections, for as long as watch() says; both are rare. Exact, but for what happens before it.
//   Burst     every Get and Put for a moment: gets, misses, puts, length and capacity at Put, time from Get to Put.
//   Never     a return probe: Go moves stacks.
//   Names     an element type is known from the first Put on; lengths and capacities from the burst after that.
//   Threads   one.
//   Limits    copies of Get and Put that a compiler inlined are not seen; other limits in pool_events.h.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporters/model/pool_record.h"
#include "poolscope/result.h"
#include "probes/collectors/alloc_bursts.h"
#include "probes/collectors/burst_clock.h"
#include "probes/collectors/go_pool_names.h"
#include "probes/collectors/pool_programs.h"
#include "probes/collectors/process_image.h"
#include "probes/go/go_program.h"
#include "probes/go/pool_points.h"
#include "probes/process/task_clock.h"

namespace poolscope::probes {

struct GoPoolsError {
  enum class Reason { kNotGo, kUnreadable, kNoPools, kNoProbePoint };
  Reason reason;
  std::string detail;
};
// snake_case, `reason` of the collector.
[[nodiscard]] std::string reason_label(GoPoolsError::Reason reason);

struct PoolLimits {
  std::uint64_t length_ns = 5'000'000;
  std::uint64_t hits = 0;        // 0: none
  bool follows_objects = false;  // hold times and misuse; dearer
};

class GoPools {
 public:
  // The program of the process, which must be Go and use sync.Pool. `hit_cost_ns` is the calibrated price of a hit.
  [[nodiscard]] static Result<std::unique_ptr<GoPools>, GoPoolsError> open(PoolPrograms& programs,
                                                                           const ProcessImage& image,
                                                                           std::uint64_t hit_cost_ns);

  [[nodiscard]] const go::GoProgram& program() const { return *program_; }
  [[nodiscard]] const LoadedObject& object() const { return object_; }
  // What is not seen or not proved in this program, for people; empty when nothing.
  [[nodiscard]] std::string caveat() const;

  // Watches misses (or collections alone) from now on. Calling it again with the same answer changes nothing.
  [[nodiscard]] std::optional<BurstFailure> watch(bool misses);
  // What the watch saw since the last call.
  [[nodiscard]] model::PoolWatchRecord take_watch();

  // Returns when it is over.
  [[nodiscard]] Result<model::PoolBurstRecord, BurstFailure> burst(process::TaskClock clock, const PoolLimits& limits);
  // The same for a burst so long that nobody should wait for it: between these two the kernel keeps the limits.
  [[nodiscard]] std::optional<BurstFailure> begin_burst(process::TaskClock clock, const PoolLimits& limits);
  [[nodiscard]] Result<model::PoolBurstRecord, BurstFailure> end_burst();
  [[nodiscard]] bool has_open_burst() const { return open_burst_.has_value(); }

  // Every event from now on, without a budget.
  [[nodiscard]] std::optional<BurstFailure> start_exact();
  // Learns the element types seen so far: sizes of a type are counted from then on. Call it several times a second.
  void learn_types();
  [[nodiscard]] model::PoolBurstRecord read_exact();

 private:
  GoPools(PoolPrograms& programs, const ProcessImage& image, const LoadedObject& object, std::uint64_t hit_cost_ns);
  [[nodiscard]] std::optional<GoPoolsError> find_points();
  [[nodiscard]] PoolSite site(const go::PoolPoint& point, pool_role role) const;
  [[nodiscard]] std::vector<PoolSite> burst_sites() const;
  [[nodiscard]] std::optional<PoolSite> cleanup_site() const;
  [[nodiscard]] Result<PoolSlot, BurstFailure> open_slot(const std::vector<PoolSite>& sites);
  void learn(const PoolResults& results);
  [[nodiscard]] model::PoolBurstRecord burst_record(const PoolSlot& slot);

  PoolPrograms& programs_;
  model::ProcessKey process_;
  LoadedObject object_;
  std::uint64_t hit_cost_ns_;
  std::unique_ptr<go::GoProgram> program_;
  go::PoolPoints points_;
  std::optional<GoPoolNames> names_;

  struct Watch {
    PoolSlot slot;
    bool misses = false;
    std::uint64_t since_ns = 0;
    std::uint64_t collections = 0, hits = 0;                                // up to the last take_watch()
    std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> seen;  // pool -> misses, thrown away
  };
  std::optional<Watch> watch_;
  struct OpenBurst {
    PoolSlot slot;
    process::TaskClock clock;
    std::uint64_t hits_before = 0;
    ClockReading begin;
  };
  std::optional<OpenBurst> open_burst_;
  struct Exact {
    PoolSlot slot;
    std::uint64_t start_ns = 0;
    std::uint64_t cpu_ns = 0;
  };
  std::optional<Exact> exact_;
};

}  // namespace poolscope::probes
