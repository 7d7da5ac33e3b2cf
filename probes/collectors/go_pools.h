#pragma once
// GoPools: every sync.Pool of one Go process, seen from outside (probe points: probes/go/pool_points.h).
//   Watch     misses and garbage collections.
//   Burst     every Get and Put: gets, misses, puts, length and capacity at Put, time from Get to Put.
//   Memory    what lies idle in each pool (probes/go/pool_state.h).
//   Never     a return probe: Go moves stacks.
//   Names     an element type is known from the first Put on; lengths and capacities from the burst after that.
//   Threads   one.
//   Limits    copies of Get and Put that a compiler inlined are not seen; other limits in pool_events.h.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "poolscope/result.h"
#include "probes/collectors/go_executable.h"
#include "probes/collectors/go_pool_names.h"
#include "probes/collectors/pool_probes.h"
#include "probes/collectors/process_memory.h"
#include "probes/go/pool_points.h"

namespace poolscope::probes {

struct GoPoolsError {
  enum class Reason { kNoPools, kNoProbePoint };
  Reason reason;
  std::string detail;
};
// snake_case, `reason` of the collector.
[[nodiscard]] std::string reason_label(GoPoolsError::Reason reason);

class GoPools final : public PoolProbes {
 public:
  // `executable` is that of the process and must use sync.Pool. `costs`: of a hit.
  [[nodiscard]] static Result<std::unique_ptr<GoPools>, GoPoolsError> open(
      PoolPrograms& programs, const model::ProcessKey& process, std::shared_ptr<const GoExecutable> executable,
      const PoolHitCosts& costs);

  [[nodiscard]] const go::PoolPoints& points() const { return points_; }
  [[nodiscard]] const char* collector() const override { return "go_pools"; }
  [[nodiscard]] std::string caveat() const override;

 private:
  GoPools(PoolPrograms& programs, const model::ProcessKey& process, std::shared_ptr<const GoExecutable> executable,
          const PoolHitCosts& costs);
  [[nodiscard]] std::optional<GoPoolsError> find_points();
  [[nodiscard]] PoolSite site(const go::PoolPoint& point, pool_role role) const;
  [[nodiscard]] std::optional<PoolSite> cleanup_site() const;
  [[nodiscard]] std::vector<PoolSite> burst_sites(bool follows_objects) const override;
  [[nodiscard]] std::vector<PoolSite> watch_sites(bool misses) const override;
  [[nodiscard]] bool watches_collections() const override;
  [[nodiscard]] std::uint64_t old_pools() const override;
  void describe(const pool_key& key, std::uint64_t type, model::PoolSums& sums) override;
  void learn(const PoolResults& results) override;
  [[nodiscard]] std::optional<model::PoolIdle> idle_of(const pool_key& key) override;

  [[nodiscard]] const go::GoProgram& program() const { return *executable_->program; }
  [[nodiscard]] const LoadedObject& object() const { return executable_->object; }

  std::shared_ptr<const GoExecutable> executable_;
  PoolHitCosts costs_;
  go::PoolPoints points_;
  ProcessMemory memory_;
  std::optional<GoPoolNames> names_;
};

}  // namespace poolscope::probes
