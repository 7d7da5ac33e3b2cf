#include "agent/sampler/pool_monitor.h"

#include <algorithm>
#include <utility>

#include "agent/sampler/undilated.h"
#include "probes/collectors/cpu_clock.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::sampler {
namespace {

constexpr unsigned kOrderTurn = 5;                    // of kOrderEvery: early, and never one that follows objects
constexpr double kWatchShare = 0.2;                   // of the budget
constexpr double kWatchOverdraftNs = 1e6;             // a program that starts to work fills its pools first
constexpr double kSpendShare = 0.8;                   // of the tokens, for one burst
constexpr double kSpareHits = 1.5;                    // the kernel stops a burst that meets so many times more
constexpr std::uint64_t kWorthwhileNs = 200'000'000;  // a burst that need not wait for its moment
constexpr std::uint64_t kLongestWaitNs = 10'000'000;  // longer bursts stay open meanwhile

}  // namespace

double PoolMonitor::price_ns() const {
  return price_factor_ * price_.ns(static_cast<double>(probing_.pool_hit_costs().emulated_ns));
}

std::optional<double> PoolMonitor::affordable_ns(const budget::BurstBudget& budget, double cpu_per_second) const {
  const double slowdown = hits_.per_cpu_second() * price_ns() * 1e-9;
  if (!hits_.known() || slowdown > slowdown_of_long_bursts(budget.slowdown)) return std::nullopt;
  const double hits_per_second = std::max(hits_.per_cpu_second() * cpu_per_second, 1.0);
  return kSpendShare * budget.tokens_ns / (hits_per_second * price_ns()) * 1e9;
}

bool PoolMonitor::can_stay_open(const budget::BurstBudget& budget, double cpu_per_second) const {
  const auto length_ns = affordable_ns(budget, cpu_per_second);
  return length_ns && *length_ns > static_cast<double>(kWorthwhileNs);
}

budget::PlanOrRefusal<budget::RatePlan> PoolMonitor::plan(const budget::BurstBudget& budget,
                                                          std::optional<double> cpu_per_second) const {
  auto planned = budget::plan_rate(hits_, {price_ns(), price_ns(), price_ns()}, budget);
  if (!planned.plan || !cpu_per_second) return planned;
  const auto length_ns = affordable_ns(budget, *cpu_per_second);
  if (!length_ns) return planned;
  const std::uint64_t longest_ns = std::clamp(kLongerTimes * last_length_ns_, planned.plan->length_ns, kLongestBurstNs);
  planned.plan->length_ns =
      std::clamp(static_cast<std::uint64_t>(std::max(*length_ns, 0.0)), planned.plan->length_ns, longest_ns);
  const double expected_hits =
      hits_.per_cpu_second() * *cpu_per_second * static_cast<double>(planned.plan->length_ns) * 1e-9;
  planned.plan->hit_limit = static_cast<std::uint64_t>(kSpareHits * expected_hits) + budget::kFirstBurstHits;
  return planned;
}

// What a burst looks for takes turns. In order it is over after some thousand events: no need to stay for longer than they take.
probes::PoolLimits PoolMonitor::limits_of(const budget::RatePlan& plan, std::optional<double> cpu_per_second) const {
  probes::PoolLimits limits{plan.length_ns, plan.hit_limit, turn_ % kFollowEvery == kFollowEvery - 1,
                            turn_ % kOrderEvery == kOrderTurn};
  if (!limits.in_order) return limits;
  limits.hits = limits.hits == 0 ? probes::kMaxOrderedEvents : std::min(limits.hits, probes::kMaxOrderedEvents);
  const double hits_per_second = hits_.per_cpu_second() * cpu_per_second.value_or(0);
  const double needed_ns = hits_per_second > 0 ? 1e9 * static_cast<double>(limits.hits) / hits_per_second : 1e18;
  limits.length_ns = std::min(limits.length_ns, std::max(static_cast<std::uint64_t>(needed_ns), kLongestWaitNs));
  return limits;
}

Result<std::uint64_t, Problem> PoolMonitor::keep(Result<model::PoolBurstRecord, probes::BurstFailure> record) {
  if (!record) {
    problem_ = Problem{probes::reason_label(record.error().reason), record.error().detail};
    return Failure{*problem_};
  }
  ++turn_;
  problem_.reset();
  // One in order ends by count, so it tells of busy moments, and its hits are dearer.
  if (!record->in_order) {
    hits_.observe(per_undilated_second(record->window.probe_hits, record->window, price_factor_),
                  process::monotonic_ns());
    price_.observe(record->probe_hits, record->charge_ns);
  }
  const double taken_ns = price_factor_ * static_cast<double>(record->charge_ns);
  book_.keep(std::move(*record));
  return static_cast<std::uint64_t>(taken_ns);
}

Result<std::uint64_t, Problem> PoolMonitor::burst(WatchedProcess& process, const budget::BurstBudget& budget,
                                                  std::optional<double> cpu_per_second) {
  hits_.expire(process::monotonic_ns());
  const auto planned = plan(budget, cpu_per_second);
  if (!planned.plan) {
    problem_ = Problem{budget::reason_label(planned.refusal.reason), planned.refusal.detail};
    return Failure{*problem_};
  }
  auto clock = probing_.open_cpu_clock(process.key().pid);
  if (!clock) {
    problem_ = Problem{"cpu_clock_failed", process::describe(clock.error())};
    return Failure{*problem_};
  }
  const probes::PoolLimits limits = limits_of(*planned.plan, cpu_per_second);
  last_length_ns_ = planned.plan->length_ns;
  if (limits.length_ns <= kLongestWaitNs) return keep(process.pools()->burst(std::move(*clock), limits));
  if (auto failure = process.pools()->begin_burst(std::move(*clock), limits)) return keep(Failure{*failure});
  open_on_ = process.key();
  looked_ns_ = process::monotonic_ns();
  open_until_ns_ = looked_ns_ + limits.length_ns;
  return 0;
}

std::optional<std::uint64_t> PoolMonitor::next_look_ns() const {
  return open_on_ ? std::optional(std::min(open_until_ns_, looked_ns_ + kLookNs)) : std::nullopt;
}

bool PoolMonitor::is_over(const WatchedProcess* process, std::uint64_t now_ns) {
  if (!open_on_ || now_ns < *next_look_ns()) return false;
  looked_ns_ = now_ns;
  const bool is_open = process != nullptr && process->pools() != nullptr && process->pools()->has_open_burst();
  return now_ns >= open_until_ns_ || !is_open || process->pools()->open_burst_stopped();
}

std::uint64_t PoolMonitor::end_burst(WatchedProcess& process) {
  open_on_.reset();
  const auto charge_ns = keep(process.pools()->end_burst());
  return charge_ns ? *charge_ns : 0;
}

void PoolMonitor::forget(const model::ProcessKey& key) {
  without_misses_since_.erase(key);
  watch_overdraft_ns_.erase(key);
  if (open_on_ == key) open_on_.reset();
}

void PoolMonitor::watch(WatchedProcess& process, std::uint64_t now_ns) {
  const auto found = without_misses_since_.find(process.key());
  if (found != without_misses_since_.end() && now_ns >= found->second + kRetryNs) without_misses_since_.erase(found);
  const bool misses = !without_misses_since_.contains(process.key());
  if (const auto failure = process.pools()->watch(misses)) {
    problem_ = Problem{probes::reason_label(failure->reason), failure->detail};
  }
}

std::uint64_t PoolMonitor::read_watch(WatchedProcess& process, std::uint64_t now_ns, double allowance_ns) {
  model::PoolWatchRecord record = process.pools()->take_watch();
  if (record.length_ns == 0) return 0;
  const double taken_ns = price_factor_ * static_cast<double>(record.charge_ns);
  double& overdraft_ns = watch_overdraft_ns_[process.key()];
  overdraft_ns = record.misses_watched ? std::max(overdraft_ns + taken_ns - kWatchShare * allowance_ns, 0.0) : 0;
  if (overdraft_ns > kWatchOverdraftNs) {
    without_misses_since_[process.key()] = now_ns;
    overdraft_ns = 0;
    watch(process, now_ns);
  }
  book_.keep(std::move(record));
  return static_cast<std::uint64_t>(taken_ns);
}

std::string PoolMonitor::remark() const {
  if (without_misses_since_.empty()) return "";
  return "misses are counted in bursts only: counting all would take over a fifth of the budget";
}

}  // namespace poolscope::sampler
