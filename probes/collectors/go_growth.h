#pragma once
// GoGrowth: slices of one Go process that append() makes grow (probe points: probes/go/growth_points.h), as chains of growths.
//   Burst     every growth in a bounded window: first and final capacity, growths, copied bytes, who appends.
//   Exact     every growth from start_exact() on, without a budget.
//   Never     a return probe: Go moves stacks.
//   Place     the first caller outside package runtime, three callers up at most.
//   Threads   one.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporters/model/record.h"
#include "poolscope/result.h"
#include "probes/collectors/go_executable.h"
#include "probes/collectors/growth_chains.h"
#include "probes/collectors/pool_probes.h"
#include "probes/collectors/process_image.h"
#include "probes/go/growth_points.h"

namespace poolscope::probes {

class GoGrowth final : private PoolProbes {
 public:
  // `executable` is that of the process. `costs`: of a hit.
  [[nodiscard]] static Result<std::unique_ptr<GoGrowth>, go::GrowthPointsError> open(
      PoolPrograms& programs, const model::ProcessKey& process, std::shared_ptr<const GoExecutable> executable,
      const PoolHitCosts& costs);

  [[nodiscard]] std::string caveat() const override { return executable_->program->verification_text(); }
  // The window is `allocation_window`; of `counts` there are reallocations alone: growths. What was lost is counted in `dropped`.
  [[nodiscard]] Result<model::BurstRecord, BurstFailure> burst(CpuClock clock, const PoolLimits& limits,
                                                               ProcessImage& image);
  using PoolProbes::count_work_at;
  using PoolProbes::process;
  using PoolProbes::start_exact;
  void keep_up();
  [[nodiscard]] model::BurstRecord read_exact(ProcessImage& image);

 private:
  GoGrowth(PoolPrograms& programs, const model::ProcessKey& process, std::shared_ptr<const GoExecutable> executable,
           const go::GrowthPoints& points, const PoolHitCosts& costs);
  [[nodiscard]] const char* collector() const override { return "go_growth"; }
  [[nodiscard]] std::vector<PoolSite> burst_sites(bool follows_objects) const override;
  [[nodiscard]] std::vector<PoolSite> watch_sites(bool) const override { return {}; }
  void describe(const pool_key&, std::uint64_t, model::PoolSums&) override {}
  void on_open(PoolSlot& slot) override;
  void on_read(PoolSlot& slot) override;
  [[nodiscard]] model::BurstRecord record_of(const model::PoolBurstRecord& burst, ProcessImage& image);

  [[nodiscard]] model::Frame frame_of(std::uint64_t return_address, ProcessImage& image) const;
  [[nodiscard]] std::vector<model::Frame> frames_of(const GrowthChains::Callers& callers, ProcessImage& image) const;

  std::shared_ptr<const GoExecutable> executable_;
  go::GrowthPoints points_;
  PoolHitCosts costs_;
  GrowthChains chains_;
};

}  // namespace poolscope::probes
