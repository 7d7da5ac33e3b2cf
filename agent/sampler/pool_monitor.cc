#include "agent/sampler/pool_monitor.h"

#include <algorithm>
#include <utility>

#include "probes/process/task_clock.h"

namespace poolscope::sampler {
namespace {

constexpr double kWatchShare = 0.2;  // of the budget

double per_cpu_second(const model::Window& window) {
  const std::uint64_t own_ns = std::max(window.cpu_ns - std::min(window.cpu_ns, window.charge_ns), window.cpu_ns / 4);
  return own_ns == 0 ? 0 : static_cast<double>(window.probe_hits) / (static_cast<double>(own_ns) * 1e-9);
}

}  // namespace

Result<std::uint64_t, Problem> PoolMonitor::burst(WatchedProcess& process, const budget::BurstBudget& budget) {
  const auto refuse = [this](Problem problem) {
    problem_ = problem;
    return Failure{std::move(problem)};
  };
  const double price = static_cast<double>(probing_.pool_hit_cost_ns());
  const auto planned = budget::plan_rate(hits_, {price, price, price}, budget);
  if (!planned.plan) return refuse({budget::reason_label(planned.refusal.reason), planned.refusal.detail});
  auto clock = process::TaskClock::open(process.key().pid);
  if (!clock) return refuse({"cpu_clock_failed", process::describe(clock.error())});
  const bool follows = turn_ % kFollowEvery == kFollowEvery - 1;
  auto record = process.go_pools()->burst(*clock, {planned.plan->length_ns, planned.plan->hit_limit, follows});
  if (!record) return refuse({probes::reason_label(record.error().reason), record.error().detail});
  ++turn_;
  problem_.reset();
  hits_.observe(per_cpu_second(record->window));
  const std::uint64_t charge_ns = record->charge_ns;
  bursts_.push_back(std::move(*record));
  return charge_ns;
}

void PoolMonitor::watch(WatchedProcess& process, std::uint64_t now_ns) {
  const auto found = without_misses_since_.find(process.key());
  if (found != without_misses_since_.end() && now_ns >= found->second + kRetryNs) without_misses_since_.erase(found);
  const bool misses = !without_misses_since_.contains(process.key());
  if (const auto failure = process.go_pools()->watch(misses)) {
    problem_ = Problem{probes::reason_label(failure->reason), failure->detail};
  }
}

std::uint64_t PoolMonitor::read_watch(WatchedProcess& process, std::uint64_t now_ns, double allowance_ns) {
  model::PoolWatchRecord record = process.go_pools()->take_watch();
  if (record.length_ns == 0) return 0;
  const std::uint64_t charge_ns = record.charge_ns;
  if (record.misses_watched && static_cast<double>(charge_ns) > kWatchShare * allowance_ns) {
    without_misses_since_[process.key()] = now_ns;
    watch(process, now_ns);
  }
  watches_.push_back(std::move(record));
  return charge_ns;
}

void PoolMonitor::forget_before(std::uint64_t oldest_ns) {
  std::erase_if(bursts_, [&](const auto& record) { return record.window.start_ns < oldest_ns; });
  std::erase_if(watches_, [&](const auto& record) { return record.start_ns < oldest_ns; });
}

std::string PoolMonitor::remark() const {
  if (without_misses_since_.empty()) return "";
  return "misses are counted in bursts only: counting all of them would cost more than a fifth of the budget";
}

}  // namespace poolscope::sampler
