#pragma once
// CpuMonitor: the samples of the CPU time of one target (probes::CpuSamples), counted by what the target was doing.
//   Cost      known beforehand, so there is nothing to plan: samples come as often as a fifth of the budget pays (Probing::set_cpu_ratio()).
//   Threads   one.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "agent/sampler/probing.h"
#include "agent/sampler/record_book.h"
#include "agent/sampler/watched_process.h"
#include "exporters/model/record.h"
#include "exporters/model/snapshot.h"
#include "probes/collectors/code_parts.h"
#include "probes/collectors/cpu_samples.h"

namespace poolscope::sampler {

// Adds what was seen of a process. `parts`: what its code is for; nullptr: nobody knows.
void count_places(std::span<const probes::CpuSamples::Place> places, const probes::ProcessParts* parts,
                  model::CpuShareRecord& sums);

class CpuMonitor {
 public:
  // Processes whose files are read anew for samples, per record; samples of others wait.
  static constexpr unsigned kMaxNewProcesses = 8;

  CpuMonitor(Probing& probing, RecordBook& book) : probing_(probing), book_(book) {}
  // The processes that the target has now.
  void set_processes(std::span<const model::ProcessKey> keys);
  // It leaves, or has executed another program: what came in until now is counted. `image_of` has its code when it has none itself.
  void take_last(WatchedProcess& process, WatchedProcess* image_of);
  // One record of what came in since the last one; what that took, in CPU time.
  std::uint64_t close(std::uint64_t now_ns, std::map<model::ProcessKey, WatchedProcess>& processes);
  // Why there are none, or too few, or a part is missing; nothing while all is well.
  [[nodiscard]] std::optional<Problem> problem() const;
  [[nodiscard]] bool has_data() const;

 private:
  void count(const model::ProcessKey& key, const probes::ProcessParts* parts);

  Probing& probing_;
  RecordBook& book_;
  std::map<model::ProcessKey, std::unique_ptr<probes::CpuSamples::Watch>> watches_;
  bool are_too_many_ = false;
  std::uint64_t start_ns_ = 0;
  model::CpuShareRecord sums_;  // since the last record
};

}  // namespace poolscope::sampler
