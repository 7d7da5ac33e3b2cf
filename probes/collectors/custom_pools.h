#pragma once
// CustomPools: the pools of one native process that somebody described (custom_pool_spec.h): functions that get, put, miss and grow.
//   Watch     misses, where a function tells them.
//   Misses    are unknown for a pool without a function that tells them: then there is no hit ratio either.
//   Address   a pool whose functions name its address is told apart by it: "NAME at 0x...", where there are several.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "probes/collectors/custom_pool_plan.h"
#include "probes/collectors/pool_probes.h"

namespace poolscope::probes {

class CustomPools final : public PoolProbes {
 public:
  // nullptr when none of the pools is in this process.
  [[nodiscard]] static std::unique_ptr<CustomPools> open(PoolPrograms& programs, const ProcessImage& image,
                                                         std::span<const CustomPoolSpec> specs,
                                                         const PoolHitCosts& costs);

  // None of the pools can be measured: caveat() says why.
  [[nodiscard]] bool measures_nothing() const { return points_.empty(); }
  [[nodiscard]] const char* collector() const override { return "custom_pools"; }
  [[nodiscard]] std::string caveat() const override;

 private:
  CustomPools(PoolPrograms& programs, const model::ProcessKey& process, CustomPoolPlan plan, const PoolHitCosts& costs);
  [[nodiscard]] std::vector<PoolSite> burst_sites(bool follows_objects) const override;
  [[nodiscard]] std::vector<PoolSite> watch_sites(bool misses) const override;
  void describe(const pool_key& key, std::uint64_t type, model::PoolSums& sums) override;

  [[nodiscard]] PoolSite site_of(const PlannedPoolPoint& planned) const;

  CustomPoolPlan plan_;
  PoolHitCosts costs_;
  std::vector<PlannedPoolPoint> points_;
};

// What keeps described pools from being measured in this process, for people; empty when nothing is wrong.
[[nodiscard]] std::string faults_of(const CustomPoolPlan& plan);

}  // namespace poolscope::probes
