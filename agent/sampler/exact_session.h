#pragma once
// ExactSession: `--exact` over the processes of one target: traces them all and makes one snapshot of it. Of Go programs it is the pools
// and growing slices that are traced, of others both allocations and the pools that the configuration describes.
//   Threads   one.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/sampler/probing.h"
#include "exporters/model/snapshot.h"
#include "poolscope/result.h"
#include "probes/collectors/exact_trace.h"
#include "probes/collectors/go_growth.h"
#include "probes/collectors/go_pools.h"
#include "probes/collectors/pool_probes.h"
#include "probes/process/process.h"

namespace poolscope::sampler {

// Maps large enough for a whole program instead of a burst.
[[nodiscard]] probes::LoadOptions exact_load_options();

class ExactSession {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ExactSession>, std::string> start(Probing& probing);

  // Counts this process from now on; a process that executed another program is added again. Says why not.
  [[nodiscard]] std::optional<std::string> add(pid_t pid);
  void remove(pid_t pid) { trace_->remove(pid); }
  // Learns from what was seen so far; call it several times a second.
  void keep_up();
  [[nodiscard]] model::Snapshot snapshot(const std::string& target_name);

 private:
  ExactSession(Probing& probing, std::unique_ptr<probes::ExactTrace> trace)
      : probing_(probing), trace_(std::move(trace)) {}
  // Pools that the configuration describes.
  void add_custom_pools(const probes::ProcessImage& image);
  // Nothing when the process is no Go program, else whether its pools are traced now or why not.
  [[nodiscard]] std::optional<Result<Done, std::string>> add_go(const probes::ProcessImage& image);
  void add_growth(probes::PoolPrograms& programs, const probes::ProcessImage& image, const probes::GoPools& pools);
  [[nodiscard]] model::CollectorStatus growth_collector() const;
  struct Growth {
    std::unique_ptr<probes::GoGrowth> slices;
    probes::ProcessImage image;  // names callers
  };
  Probing& probing_;
  std::unique_ptr<probes::ExactTrace> trace_;
  std::vector<model::ProcessInfo> processes_;
  std::string allocator_;
  std::vector<std::string> problems_;
  std::vector<std::unique_ptr<probes::PoolProbes>> pools_;
  std::vector<Growth> growth_;
  std::optional<std::pair<std::string, std::string>> growth_problem_;  // reason and detail
  std::string pools_fault_;                                            // why described pools cannot be measured
  bool is_go_ = false;
};

}  // namespace poolscope::sampler
