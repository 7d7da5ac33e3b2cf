#pragma once
// ExactTrace: every allocation and free of some processes, no budget: what `--exact` shows. Dear for the target: three
// traps per allocation and free.
//   Threads   one thread.
//   Memory    the programs' maps; what they cannot hold is counted as dropped.
//   Exact     counts and sizes, as long as nothing is dropped; a process counts from add() on.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "exporters/model/record.h"
#include "poolscope/result.h"
#include "probes/attach/detacher.h"
#include "probes/collectors/alloc_bursts.h"
#include "probes/collectors/alloc_programs.h"
#include "probes/collectors/allocator_plan.h"
#include "probes/collectors/caller_steps.h"
#include "probes/collectors/process_image.h"

namespace poolscope::probes {

class ExactTrace {
 public:
  // Needs a free slot in `programs`, which it keeps; fails with kNoSlot.
  [[nodiscard]] static Result<std::unique_ptr<ExactTrace>, BurstFailure> start(AllocPrograms& programs,
                                                                               attach::Detacher& detacher,
                                                                               const HitCosts& costs);
  ~ExactTrace();
  ExactTrace(const ExactTrace&) = delete;
  ExactTrace& operator=(const ExactTrace&) = delete;

  // Starts counting the process `image` shows. A pid that was added before (it executed another program) is replaced.
  [[nodiscard]] std::optional<BurstFailure> add(ProcessImage image, const AllocatorPlan& plan);
  // The process has ended: its probes go, its counts stay.
  void remove(pid_t pid);
  // Learns wrappers from what was seen so far and keeps up with CPU times; call it several times a second.
  void follow_wrappers();
  // Everything counted so far.
  [[nodiscard]] model::BurstRecord read();

 private:
  struct Process {
    ProcessImage image;
    CallerSteps steps;
    attach::UprobeLinks links;
    std::uint64_t first_cpu_ns = 0;  // CPU time of the process when it was added, and when last seen
    std::uint64_t last_cpu_ns = 0;
  };
  void look_at_cpu_time();
  ExactTrace(AllocPrograms& programs, attach::Detacher& detacher, std::uint32_t slot, const HitCosts& costs);
  [[nodiscard]] std::optional<BurstFailure> attach(const AllocatorPlan& plan, Process& process);

  AllocPrograms& programs_;
  attach::Detacher& detacher_;
  std::uint32_t slot_;
  HitCosts costs_;
  std::uint64_t start_ns_ = 0;
  std::map<pid_t, Process> processes_;
};

}  // namespace poolscope::probes
