#include "agent/sampler/growth_monitor.h"

#include <algorithm>
#include <utility>

#include "agent/sampler/pool_monitor.h"
#include "agent/sampler/undilated.h"
#include "probes/collectors/cpu_clock.h"

namespace poolscope::sampler {
namespace {

constexpr std::uint64_t kMostHits = 16'384;  // two per growth; the ring holds more

}  // namespace

double GrowthMonitor::price_ns() const {
  return price_factor_ * static_cast<double>(probing_.pool_hit_costs().emulated_ns);
}

std::uint64_t GrowthMonitor::length_ns(const budget::RatePlan& plan, const budget::BurstBudget& budget,
                                       double cpu_per_second) const {
  const double slowdown = hits_.per_cpu_second() * price_ns() * 1e-9;
  if (!hits_.known() || slowdown > PoolMonitor::slowdown_of_long_bursts(budget.slowdown)) return plan.length_ns;
  const double hits_per_second = std::max(hits_.per_cpu_second() * cpu_per_second, 1.0);
  const double affordable_ns = std::max(kSpendShare * budget.tokens_ns / (hits_per_second * price_ns()) * 1e9, 0.0);
  const auto longest_ns = static_cast<std::uint64_t>(std::min(affordable_ns, static_cast<double>(kLongestNs)));
  return std::max(plan.length_ns, longest_ns);
}

std::optional<std::uint64_t> GrowthMonitor::burst(WatchedProcess& process, const budget::BurstBudget& budget,
                                                  double cpu_per_second) {
  const auto fail = [this](std::string reason, std::string detail) {
    problem_ = Problem{std::move(reason), std::move(detail)};
    return std::nullopt;
  };
  hits_.expire(process::monotonic_ns());
  const auto planned = budget::plan_rate(hits_, {price_ns(), price_ns(), price_ns()}, budget);
  if (!planned.plan) return fail(budget::reason_label(planned.refusal.reason), planned.refusal.detail);
  auto clock = probing_.open_cpu_clock(process.key().pid);
  if (!clock) return fail("cpu_clock_failed", process::describe(clock.error()));
  probes::PoolLimits limits;
  limits.length_ns = length_ns(*planned.plan, budget, cpu_per_second);
  limits.hits = planned.plan->hit_limit == 0 ? kMostHits : std::min(planned.plan->hit_limit, kMostHits);
  auto record = process.growth()->burst(std::move(*clock), limits, process.image());
  if (!record) return fail(probes::reason_label(record.error().reason), record.error().detail);
  problem_.reset();
  hits_.observe(per_undilated_second(record->allocation_window.probe_hits, record->allocation_window, price_factor_),
                process::monotonic_ns());
  const double taken_ns = price_factor_ * static_cast<double>(record->charge_ns);
  book_.keep(model::SliceGrowthRecord{std::move(*record)});
  return static_cast<std::uint64_t>(taken_ns);
}

}  // namespace poolscope::sampler
