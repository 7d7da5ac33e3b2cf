// Bursts on allocations of a TargetMonitor: whose turn it is, what it may take, and what is learnt from it.
#include <algorithm>
#include <utility>

#include "agent/sampler/target_monitor.h"
#include "agent/sampler/undilated.h"
#include "probes/collectors/cpu_clock.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::sampler {
namespace {

using model::BurstRecord;

Problem no_cpu_clock(const process::TaskClockError& error) {
  const bool is_gone = error.reason == process::TaskClockError::Reason::kNoSuchProcess;
  return {is_gone ? "no_such_process" : "cpu_clock_failed", process::describe(error)};
}

}  // namespace

std::optional<Problem> TargetMonitor::burst_on(WatchedProcess& process) {
  allocations_.expire(process::monotonic_ns());
  frees_.expire(process::monotonic_ns());
  if (turns_.is_cohorts_turn() && allocations_.known()) {
    const auto [problem, is_waited_for, taken, is_too_hot] = cohort_burst(process);
    cohort_problem_ = problem;
    if (is_waited_for)
      return Problem{budget::reason_label(budget::Refusal::Reason::kNoTokens), cohort_problem_->detail};
    if (taken) {
      turns_.took(*taken, random_);
      return std::nullopt;
    }
    if (is_too_hot && wants_frees() && !frees_burst(process)) {
      turns_.took(budget::BurstTurns::Kind::kFrees, random_);
      return std::nullopt;
    }
  }
  rate_problem_ = rate_burst(process);
  if (!rate_problem_) turns_.took(budget::BurstTurns::Kind::kRate, random_);
  return rate_problem_;
}

budget::BurstBudget TargetMonitor::burst_budget(const WatchedProcess& process) const {
  budget::BurstBudget result;
  result.slowdown = budget_.burst_slowdown;
  result.max_ns = static_cast<std::uint64_t>(budget_.burst_max_ms * 1e6);
  result.follow_max_ns = static_cast<std::uint64_t>(budget_.follow_max_ms * 1e6);
  result.tokens_ns = tokens_.level_ns();
  result.capacity_ns = tokens_.capacity_ns();
  const double used = book_.strata().empty() ? 0 : cpu_per_second(process);
  result.used_cpus = used;
  result.busy_cpus = budget::planned_cpus(used);
  return result;
}

budget::BurstPrices TargetMonitor::burst_prices(const WatchedProcess& process) const {
  const auto prices = probes::prices_for(*process.plan(), probing_.calibration().costs);
  return {price_factor_ * static_cast<double>(prices[ALLOC_HIT_RATE]),
          price_factor_ * static_cast<double>(prices[ALLOC_HIT_ENTRY] + prices[ALLOC_HIT_RETURN]),
          price_factor_ * static_cast<double>(prices[ALLOC_HIT_FREE])};
}

std::optional<Problem> TargetMonitor::rate_burst(WatchedProcess& process) {
  const auto planned = budget::plan_rate(allocations_, burst_prices(process), burst_budget(process));
  return counting_burst(process, planned, &probes::AllocBursts::rate);
}

std::optional<Problem> TargetMonitor::frees_burst(WatchedProcess& process) {
  budget::BurstPrices prices = burst_prices(process);
  prices.allocation_ns = prices.free_ns;
  const auto planned = budget::plan_rate(frees_.known() ? frees_ : allocations_, prices, burst_budget(process));
  return counting_burst(process, planned, &probes::AllocBursts::frees);
}

std::optional<Problem> TargetMonitor::counting_burst(WatchedProcess& process,
                                                     const budget::PlanOrRefusal<budget::RatePlan>& planned,
                                                     Count count) {
  if (!planned.plan) return Problem{budget::reason_label(planned.refusal.reason), planned.refusal.detail};
  auto clock = probing_.open_cpu_clock(process.key().pid);
  if (!clock) return no_cpu_clock(clock.error());
  const probes::BurstTarget target{process.image(), *process.plan(), *clock, steps_};
  auto record = (collector_.*count)(target, {planned.plan->length_ns, planned.plan->hit_limit, pace(), price_factor_});
  if (!record) return failed(record.error());
  keep(std::move(*record));
  return std::nullopt;
}

TargetMonitor::CohortOutcome TargetMonitor::cohort_burst(WatchedProcess& process) {
  if (process.under_seccomp() && probing_.seccomp_refusal()) {
    return {Problem{"return_probe_refused", "lifetimes need return probes, and " + *probing_.seccomp_refusal()}};
  }
  const budget::BurstBudget budget = burst_budget(process);
  const budget::BurstPrices prices = burst_prices(process);
  const std::uint64_t usual_ns = budget::follow_for_age_ns(estimate::kChurnAgeNs, allocations_, frees_, prices, budget);
  const budget::FollowLengths follow{budget::kLeastFollowNs, usual_ns,
                                     turns_.is_long_follow() ? budget.follow_max_ns : usual_ns};
  const auto planned = budget::plan_cohort(allocations_, frees_, prices, budget, follow);
  if (!planned.plan && planned.refusal.reason == budget::Refusal::Reason::kTooHot) {
    const bool is_growths_turn = turns_.is_growth_wanted() && !wants_frees();
    const GrowthLook look = is_growths_turn ? growth_burst(process) : GrowthLook::kNone;
    return {Problem{budget::reason_label(planned.refusal.reason), planned.refusal.detail},
            look == GrowthLook::kSavedFor && turns_.waits_for_cohort(),
            look == GrowthLook::kTaken ? std::optional(budget::BurstTurns::Kind::kCohort) : std::nullopt,
            look != GrowthLook::kTaken};
  }
  if (!planned.plan) {
    const bool can_be_saved =
        planned.refusal.reason == budget::Refusal::Reason::kNoTokens && planned.refusal.needed_ns <= budget.capacity_ns;
    return {Problem{budget::reason_label(planned.refusal.reason), planned.refusal.detail},
            can_be_saved && turns_.waits_for_cohort()};
  }
  auto clock = probing_.open_cpu_clock(process.key().pid);
  if (!clock) return {no_cpu_clock(clock.error())};
  const probes::BurstTarget target{process.image(), *process.plan(), *clock, steps_};
  const budget::CohortPlan& plan = *planned.plan;
  auto record = collector_.cohort(target, {plan.births_ns, plan.follow_ns, plan.hit_limit, pace(plan.most_charge_ns),
                                           plan.is_among_pauses(), price_factor_});
  if (!record) return {failed(record.error())};
  keep(std::move(*record));
  return {std::nullopt, false, budget::BurstTurns::Kind::kCohort};
}

// Where few bursts are kept, those on frees would be too few for an interval, and only be missing among rate bursts.
bool TargetMonitor::wants_frees() const {
  constexpr std::uint64_t kLeastKept = 48;
  return turns_.is_frees_wanted() && keep_ns() >= kLeastKept * stratum_ns_;
}

TargetMonitor::GrowthLook TargetMonitor::growth_burst(WatchedProcess& process) {
  const budget::BurstBudget budget = burst_budget(process);
  const auto planned = budget::plan_growth(allocations_, frees_, burst_prices(process), budget);
  if (!planned.plan) {
    const bool can_be_saved =
        planned.refusal.reason == budget::Refusal::Reason::kNoTokens && planned.refusal.needed_ns <= budget.capacity_ns;
    return can_be_saved ? GrowthLook::kSavedFor : GrowthLook::kNone;
  }
  auto clock = probing_.open_cpu_clock(process.key().pid);
  if (!clock) return GrowthLook::kNone;
  const probes::BurstTarget target{process.image(), *process.plan(), *clock, steps_};
  auto record = collector_.growth(target, {planned.plan->length_ns, planned.plan->hit_limit, pace(), price_factor_});
  if (!record) {
    (void)failed(record.error());
    return GrowthLook::kNone;
  }
  if (record->counts.allocations > 0) turns_.looked_at_growth(!record->growth_chains.empty());
  keep(std::move(*record));
  return GrowthLook::kTaken;
}

void TargetMonitor::keep(BurstRecord record) {
  tokens_.spend(static_cast<std::uint64_t>(static_cast<double>(record.charge_ns) * price_factor_));
  learn_rates(record);
  book_.keep(std::move(record));
}

Problem TargetMonitor::failed(const probes::BurstFailure& failure) {
  unrecorded_hits_ += failure.probe_hits;
  unrecorded_charge_ns_ += failure.charge_ns;
  tokens_.spend(static_cast<std::uint64_t>(static_cast<double>(failure.charge_ns) * price_factor_));
  return {probes::reason_label(failure.reason), failure.detail};
}

probes::Pace TargetMonitor::pace(std::uint64_t most_charge_ns) const {
  budget::BurstBudget budget;
  budget.slowdown = budget_.burst_slowdown;
  budget.max_ns = static_cast<std::uint64_t>(budget_.burst_max_ms * 1e6);
  const auto planned = budget::plan_pace(budget, price_factor_);
  if (most_charge_ns == 0) return {planned.window_ns, planned.charge_ns};
  const auto calibrated_ns = static_cast<std::uint64_t>(static_cast<double>(most_charge_ns) / price_factor_);
  return {planned.window_ns, std::min(planned.charge_ns, calibrated_ns)};
}

void TargetMonitor::learn_rates(const BurstRecord& record) {
  if (record.kind == model::BurstKind::kRate) {
    learn_rate(allocations_, allocating_, record.process, record.allocation_window,
               record.counts.allocations + record.counts.reallocations);
  } else if (record.free_window.length_ns == 0 && record.frees_beside_allocations) {
    // a crowd ended it among its births
    learn_rate(frees_, freeing_, record.process, record.allocation_window, *record.frees_beside_allocations);
  } else {
    learn_rate(frees_, freeing_, record.process, record.free_window, record.counts.frees);
  }
}

void TargetMonitor::learn_rate(budget::HitRate& rate, Saturation& saturation, const model::ProcessKey& key,
                               const model::Window& window, std::uint64_t calls) {
  // a fork can end a window after a few hits, whose rate would be any number
  if (window.length_ns < budget::kShortestNs && !window.ended_by_count) return;
  const double late_ns = price_factor_ * static_cast<double>(window.late_ns.value_or(0));
  const auto length_ns = static_cast<double>(window.length_ns);
  rate.observe_all(calls, static_cast<std::uint64_t>(std::max(length_ns - late_ns, length_ns / 2)));
  if (rate.known() && !tells_rate(window)) return;
  const auto process = processes_.find(key);
  const double used = process == processes_.end() ? 1 : cpu_per_second(process->second);
  rate.observe(per_undilated_second(calls, window, price_factor_, saturation.note(window, price_factor_, used)),
               process::monotonic_ns());
}

}  // namespace poolscope::sampler
