#pragma once
// ExactSession: `--exact` over the processes of one target: traces them all and makes one snapshot of it. Of Go programs it is the pools
// and growing slices that are traced, beside what their runtime counts by itself; of others both allocations and the pools that the
// configuration describes. A target may have both, as a script that starts them.
//   Counts    are of all processes there were. A heap is that of the Go processes that run; when all have ended, that of the last one.
//   Threads   one.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/sampler/gc_monitor.h"
#include "agent/sampler/page_monitor.h"
#include "agent/sampler/probing.h"
#include "exporters/model/snapshot.h"
#include "exporters/model/target_record.h"
#include "poolscope/result.h"
#include "probes/collectors/exact_trace.h"
#include "probes/collectors/go_executable.h"
#include "probes/collectors/go_growth.h"
#include "probes/collectors/go_runtime.h"
#include "probes/collectors/pool_probes.h"
#include "probes/process/monotonic_clock.h"
#include "probes/process/process.h"

namespace poolscope::sampler {

// Maps large enough for a whole program instead of a burst.
[[nodiscard]] probes::LoadOptions exact_load_options();

class ExactSession {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ExactSession>, std::string> start(Probing& probing);

  // Counts this process from now on; a process that executed another program is added again. Says why not.
  [[nodiscard]] std::optional<std::string> add(pid_t pid);
  void remove(pid_t pid);
  // Learns from what was seen so far; call it several times a second.
  void keep_up();
  // `sink`, when there is one, is told all that it is made of.
  [[nodiscard]] model::Snapshot snapshot(const std::string& target_name, model::RecordSink* sink = nullptr);

 private:
  ExactSession(Probing& probing, std::unique_ptr<probes::ExactTrace> trace)
      : probing_(probing), trace_(std::move(trace)), start_ns_(process::monotonic_ns()) {}
  // Pools that the configuration describes.
  void add_custom_pools(const probes::ProcessImage& image);
  // Say why nothing of it can be measured.
  [[nodiscard]] std::optional<std::string> add_go(const model::ProcessKey& key,
                                                  const std::shared_ptr<const probes::GoExecutable>& executable);
  [[nodiscard]] std::optional<std::string> add_unusable_go(const probes::GoExecutableError& error);
  [[nodiscard]] std::optional<std::string> add_native(probes::ProcessImage image, const std::string& command);
  // Says why its pools cannot be traced.
  [[nodiscard]] std::optional<model::CollectorStatus> add_go_pools(
      const model::ProcessKey& key, const std::shared_ptr<const probes::GoExecutable>& executable);
  // False for a target of Go programs alone: malloc is not where they allocate.
  [[nodiscard]] bool traces_allocations() const { return is_native_ || !is_go_; }
  [[nodiscard]] model::CollectorStatus allocation_collector(bool saw_allocations) const;
  [[nodiscard]] std::vector<model::CollectorStatus> collectors(bool saw_allocations) const;
  [[nodiscard]] model::TargetStatus status(const std::string& target_name, bool saw_allocations) const;
  // All events there were, as bursts that lasted the whole time.
  struct Events {
    std::vector<model::BurstRecord> allocations, slice_growth;
    std::vector<model::PoolBurstRecord> pools;
  };
  [[nodiscard]] Events read_events();
  void tell(const model::TargetStatus& status, const Events& events, const model::TargetSink& sink) const;
  void read_runtimes();
  // Keeps what was seen of the program that the process runs, and detaches from it.
  enum class End { kExit, kExec };
  void end_program(pid_t pid, End end);
  struct WatchedRuntime {
    model::ProcessKey key;
    std::unique_ptr<probes::GoRuntime> runtime;  // none: the program it was of has ended
    std::string limit;                           // what it does not measure
  };
  void end_runtime(WatchedRuntime& watched, End end);
  void add_growth(const probes::ProcessImage& image, const std::shared_ptr<const probes::GoExecutable>& executable);
  struct Growth {
    std::unique_ptr<probes::GoGrowth> slices;
    probes::ProcessImage image;  // names callers
  };

  Probing& probing_;
  std::unique_ptr<probes::ExactTrace> trace_;
  std::vector<model::ProcessInfo> processes_;
  std::string allocator_;
  std::vector<std::string> problems_;  // of native programs, and of processes that could not be looked at
  std::vector<std::unique_ptr<probes::PoolProbes>> pools_;
  std::vector<Growth> growth_;
  // Of programs that have ended.
  std::vector<model::PoolBurstRecord> ended_pools_;
  std::vector<model::BurstRecord> ended_growth_;
  std::vector<model::CollectorStatus> ended_collectors_;
  std::string pools_fault_;                 // why described pools cannot be measured
  bool is_go_ = false, is_native_ = false;  // what there was: both, where a script starts both
  std::vector<WatchedRuntime> runtimes_;
  GcMonitor gc_;
  PageMonitor pages_;
  std::uint64_t start_ns_, runtimes_due_ns_ = 0;
  std::vector<model::CollectorStatus> go_faults_;  // what cannot be measured of Go programs
};

}  // namespace poolscope::sampler
