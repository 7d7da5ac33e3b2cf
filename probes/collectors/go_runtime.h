#pragma once
// GoRuntime: what the garbage collector of one running Go process does, with no change to it (level L0 + one probe per cycle).
//   Counters  cycles, pauses, allocated bytes and GC CPU time are the runtime's own words, read from its memory: exact at any time.
//             Objects by size class are the runtime's own too; they and the bytes lag by what lies in the spans that processors
//             allocate from at the moment, as runtime/metrics does.
//   Cycles    one probe at the end of each, before the world restarts: live heap against allocated bytes, assists. Without BPF, or
//             where the probe cannot be placed, these parts are absent (limits() says why) and the counters go on.
//   Checked   start() compares two independent sums of the same allocations; a layout that does not fit is refused.
//   Cost      per cycle one trap and the copying, measured in place (GcRecord::charge_ns); per read() one system call.
//   Ended     read() of a process that is gone gives what its last cycles said; counters never fall.
//   Exec      the process then runs another program: start again.
//   Threads   one thread.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporters/model/gc_record.h"
#include "poolscope/result.h"
#include "probes/attach/detacher.h"
#include "probes/collectors/go_gc_books.h"
#include "probes/collectors/go_gc_places.h"
#include "probes/collectors/go_gc_programs.h"
#include "probes/collectors/process_image.h"
#include "probes/go/go_program.h"

namespace poolscope::probes {

struct GoRuntimeError {
  enum class Reason { kUnverifiedVersion, kNoVariables, kInconsistent, kTargetGone, kNotPermitted };
  Reason reason;
  std::string detail;  // for a person
};
// snake_case, the label of poolscope_collector_state.
[[nodiscard]] std::string reason_label(GoRuntimeError::Reason reason);

// What probing cycles takes; both outlive the GoRuntime.
struct GcProbing {
  GoGcPrograms& programs;
  attach::Detacher& detacher;
  std::uint64_t trap_cost_ns = 0;  // calibrated price of an empty entry probe
};

class GoRuntime {
 public:
  // `object` is the executable of process `key`, which `program` was opened from; neither is kept. Without `probing` cycles are
  // not probed.
  [[nodiscard]] static Result<std::unique_ptr<GoRuntime>, GoRuntimeError> start(const model::ProcessKey& key,
                                                                                const LoadedObject& object,
                                                                                const go::GoProgram& program,
                                                                                std::optional<GcProbing> probing);
  ~GoRuntime();
  GoRuntime(const GoRuntime&) = delete;
  GoRuntime& operator=(const GoRuntime&) = delete;

  // The first record of the process: what the runtime had counted until start(). Once; nothing after that.
  [[nodiscard]] std::optional<model::GcRecord> take_life() { return std::exchange(life_, std::nullopt); }
  // What happened since the call before, or since start(). Call it every few seconds at least: the ring buffer holds some 2 500 cycles.
  [[nodiscard]] model::GcRecord read();
  // Where the process counts the bytes that it allocated so far; 0: not known.
  [[nodiscard]] std::uint64_t allocated_bytes_address() const { return plan_.word_addresses[GO_GC_ALLOCATED_BYTES]; }
  [[nodiscard]] bool cycles_are_watched() const { return !links_.empty(); }
  // What is not measured, and why.
  [[nodiscard]] const std::vector<std::string>& limits() const { return limits_; }

 private:
  struct Look {  // one reading of the memory
    GcBooks books;
    std::optional<GcAllocations> allocations;  // only when they fit the books
  };
  GoRuntime(const model::ProcessKey& key, const GcPlaces& places, std::uint64_t bias);
  [[nodiscard]] Result<Look, GoRuntimeError> look() const;
  [[nodiscard]] Result<Look, GoRuntimeError> look_until_it_fits() const;
  void begin(const Look& look);
  void watch_cycles(const LoadedObject& object, const GcPlaces& places, const GcProbing& probing);
  void add_cycles(const GoGcPrograms::Cycles& taken, model::GcRecord& record);
  void add_cycle(const GcBooks& cycle, model::GcRecord& record);
  [[nodiscard]] Look latest(const GoGcPrograms::Cycles& taken);
  void count(const Look& now, model::GcCounters& counted);

  model::ProcessKey key_;
  GcHeapLayout heap_layout_;
  go_gc_plan plan_{};
  std::optional<GcProbing> probing_;
  attach::UprobeLinks links_;
  std::vector<std::string> limits_;

  std::optional<model::GcRecord> life_;
  std::uint64_t last_read_ns_ = 0;
  std::optional<std::uint64_t> last_cpu_ns_;
  GcBooks last_books_;  // what the records so far add up to
  GcAllocations last_allocations_;
  std::optional<GcBooks> last_cycle_;
  std::uint64_t last_hits_ = 0, last_copy_ns_ = 0;
};

}  // namespace poolscope::probes
