#include "probes/collectors/custom_pools.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace poolscope::probes {
namespace {

__u32 role_of(PoolRole role) {
  switch (role) {
    case PoolRole::kGet:
      return POOL_ROLE_GET;
    case PoolRole::kPut:
      return POOL_ROLE_PUT;
    case PoolRole::kMiss:
      return POOL_ROLE_MISS;
    case PoolRole::kGrow:
      return POOL_ROLE_GROW;
  }
  return POOL_ROLE_COUNT;
}

pool_value in_register(const std::optional<elf::Register>& reg) {
  return reg ? pool_value{POOL_PLACE_REGISTER, static_cast<__u16>(*reg), 0} : pool_value{};
}

}  // namespace

std::string faults_of(const CustomPoolPlan& plan) {
  using Reason = CustomPoolProblem::Reason;
  for (const auto& problem : plan.problems) {
    if (problem.reason != Reason::kOtherProgram && problem.reason != Reason::kObjectNotMapped) return problem.detail;
  }
  return "";
}

CustomPools::CustomPools(PoolPrograms& programs, const model::ProcessKey& process, CustomPoolPlan plan,
                         const PoolHitCosts& costs)
    : PoolProbes(programs, process), plan_(std::move(plan)), costs_(costs), points_(points_to_probe(plan_)) {}

std::unique_ptr<CustomPools> CustomPools::open(PoolPrograms& programs, const ProcessImage& image,
                                               std::span<const CustomPoolSpec> specs, const PoolHitCosts& costs) {
  CustomPoolPlan plan = plan_custom_pools(image, specs);
  if (plan.pools.empty() && faults_of(plan).empty()) return nullptr;
  return std::unique_ptr<CustomPools>(new CustomPools(programs, image.key(), std::move(plan), costs));
}

std::string CustomPools::caveat() const {
  return faults_of(plan_);
}

PoolSite CustomPools::site_of(const PlannedPoolPoint& planned) const {
  PoolSite site{planned.open_path, planned.object_name + ":" + planned.function, planned.point.file_offset, {}};
  site.point.role = role_of(planned.role);
  site.point.cost_ns = static_cast<__u32>(
      costs_.emulated_ns + (planned.point.cost == elf::CostClass::kSingleStep ? costs_.single_step_extra_ns : 0));
  site.point.pool_number = planned.pool_number;
  site.point.flags_mask = planned.point.flags.mask;
  site.point.flags_value = planned.point.flags.value;
  site.point.pool = in_register(planned.pool);
  site.point.object = in_register(planned.object);
  site.point.size = in_register(planned.size);
  return site;
}

std::vector<PoolSite> CustomPools::burst_sites(bool) const {
  std::vector<PoolSite> sites;
  for (const auto& point : points_) sites.push_back(site_of(point));
  return sites;
}

std::vector<PoolSite> CustomPools::watch_sites(bool misses) const {
  std::vector<PoolSite> sites;
  for (const auto& point : points_) {
    if (misses && point.role == PoolRole::kMiss) sites.push_back(site_of(point));
  }
  return sites;
}

void CustomPools::describe(const pool_key& key, std::uint64_t, model::PoolSums& sums) {
  const auto pool = std::ranges::find(plan_.pools, key.number, &PlannedPool::number);
  sums.pool.kind = "custom";
  sums.pool.name = pool != plan_.pools.end() ? pool->name : "";
  if (key.pool != 0) sums.pool.address = fmt::format("{:#x}", key.pool);
  sums.regrowths_known = pool != plan_.pools.end() && pool->measures(PoolRole::kGrow);
  const bool sees_all = pool != plan_.pools.end() && pool->measures(PoolRole::kGet) && pool->measures(PoolRole::kPut);
  if (!sees_all) sums.order.reset();  // a walk of puts alone, or of gets alone, tells nothing
  sums.misses_known = pool != plan_.pools.end() && pool->measures(PoolRole::kMiss);
}

}  // namespace poolscope::probes
