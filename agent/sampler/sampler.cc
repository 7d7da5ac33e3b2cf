#include "agent/sampler/sampler.h"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "agent/estimate/carried_totals.h"
#include "agent/estimate/replay.h"
#include "agent/targets/pool_specs.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::sampler {
namespace {

constexpr std::uint64_t kIdleNs = 200'000'000;

std::string random_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace

Sampler::Sampler(Probing& probing, Pace pace, model::RecordSink* sink)
    : probing_(probing),
      pace_(pace),
      sink_(sink),
      next_seed_(std::random_device{}()),
      next_id_(process::clock_ns(CLOCK_REALTIME) / 1'000'000),
      boot_id_(random_id()) {}

Result<std::unique_ptr<Sampler>, std::string> Sampler::create(Probing& probing, const config::Config& config, Pace pace,
                                                              model::RecordSink* sink) {
  std::unique_ptr<Sampler> sampler(new Sampler(probing, pace, sink));
  auto set = sampler->set_targets(config);
  if (!set) return Failure{set.error()};
  return sampler;
}

Result<Done, std::string> Sampler::reload(const config::Config& config) {
  return set_targets(config);
}

Result<Done, std::string> Sampler::set_targets(const config::Config& config) {
  auto set = targets::TargetSet::create(config.targets);
  if (!set) return Failure{targets::describe(set.error())};
  probing_.set_custom_pools(targets::pool_specs(config.custom_pools));
  probing_.set_cpu_ratio(config.budget.cpu_ratio);
  std::vector<std::unique_ptr<TargetMonitor>> monitors;
  for (std::size_t i = 0; i < config.targets.size(); ++i) {
    std::unique_ptr<TargetMonitor> kept;
    for (std::size_t old = 0; old < monitors_.size(); ++old) {
      if (monitors_[old] && config_.targets[old].match == config.targets[i].match) kept = std::move(monitors_[old]);
    }
    if (!kept) kept = std::make_unique<TargetMonitor>(probing_, config.budget, next_seed_++, next_id_++, sink_);
    kept->set_budget(config.budget);
    kept->forget_processes();
    monitors.push_back(std::move(kept));
  }
  target_set_ = std::make_unique<targets::TargetSet>(std::move(*set));
  monitors_ = std::move(monitors);
  config_ = config;
  next_discovery_ns_ = looked_ns_ = 0;
  return Done{};
}

void Sampler::discover() {
  const std::uint64_t now_ns = process::monotonic_ns();
  discovery_pace_.took(keep_up([this, now_ns] {
    look_for_processes(now_ns);
    for (std::size_t i = 0; i < monitors_.size(); ++i) monitors_[i]->set_state(states_[i]);
  }));
  for (const auto& state : states_) had_processes_ |= !state.processes.empty();
  next_discovery_ns_ = now_ns + discovery_pace_.interval_ns();
}

void Sampler::look_for_processes(std::uint64_t now_ns) {
  const bool is_due = pace_ == Pace::kLook || looked_ns_ == 0 || looked_ns_ + kLongestWithoutLookNs <= now_ns;
  if (is_due || probing_.processes_changed_since(looked_ns_)) {
    looked_ns_ = now_ns;
    states_ = target_set_->update();
    return;
  }
  for (auto& state : states_) {
    state.joined.clear();
    state.left.clear();
    state.execed.clear();
  }
}

TargetMonitor::StepPace Sampler::pace_of(const TargetMonitor& monitor) const {
  const bool is_watch = pace_ == Pace::kWatch;
  const std::size_t enough = is_watch ? kBurstsOfAWatch : kBurstsOfALook;
  const bool is_first =
      monitor.plans_bursts() && monitor.bursts() < enough && monitor.tries() < kTriesForABurst * enough;
  const auto plans_bursts = [](const auto& each) { return each->plans_bursts(); };
  const auto burst_by_burst = static_cast<double>(std::ranges::count_if(monitors_, plans_bursts));
  // From one burst of a target to its next, with as many as the agent can afford.
  const auto affordable_ns = static_cast<std::uint64_t>(burst_by_burst * own_pace_.interval_ns());
  const bool may_watch_all_time = !is_watch || affordable_ns <= PoolMonitor::kLongestBurstNs;
  if (is_first && !is_watch) return {kFirstStratumNs, may_watch_all_time};
  const std::uint64_t least_ns = is_watch && !is_first ? kWatchStratumNs : kFirstStratumNs;
  return {std::clamp(affordable_ns, least_ns, kLongestStratumNs), may_watch_all_time};
}

std::uint64_t Sampler::next_due_ns() const {
  std::uint64_t due = next_discovery_ns_;
  for (const auto& monitor : monitors_) due = std::min(due, monitor->next_due_ns());
  return due;
}

std::uint64_t Sampler::keep_up(const std::function<void()>& work) {
  const std::uint64_t before_ns = process::clock_ns(CLOCK_THREAD_CPUTIME_ID);
  work();
  const std::uint64_t cpu_ns = process::clock_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns;
  own_pace_.spend_on_upkeep(cpu_ns);
  return cpu_ns;
}

// What other threads do, for who asks over HTTP above all, is upkeep: bursts must not look dearer by it, or they would become fewer, and look dearer
// still.
void Sampler::watch_own_pace() {
  const std::uint64_t all_ns = process::clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  const std::uint64_t measuring_ns = process::clock_ns(CLOCK_THREAD_CPUTIME_ID) + probing_.detacher().cpu_ns();
  const std::uint64_t served_ns = all_ns - std::min(all_ns, measuring_ns);
  if (served_ns > served_ns_) own_pace_.spend_on_upkeep(served_ns - served_ns_);
  served_ns_ = std::max(served_ns_, served_ns);
  own_pace_.observe(all_ns, process::monotonic_ns());
}

void Sampler::run(std::uint64_t until_ns, const std::function<void()>& idle) {
  while (!stopping_.load(std::memory_order_relaxed)) {
    const std::uint64_t now = process::monotonic_ns();
    if (now >= until_ns) return;
    if (now >= next_discovery_ns_) discover();
    (void)keep_up([&] { probing_.poll_cpu_samples(now); });
    for (auto& monitor : monitors_) {
      if (monitor->next_due_ns() > process::monotonic_ns()) continue;
      if (monitor->wants_fresh_look(process::monotonic_ns())) discover();
      if (monitor->step(process::monotonic_ns(), pace_of(*monitor))) own_pace_.took_burst();
    }
    (void)keep_up(idle);
    watch_own_pace();
    const std::uint64_t next = std::min({next_due_ns(), until_ns, process::monotonic_ns() + kIdleNs});
    if (stopping_.load(std::memory_order_relaxed) || !probing_.sleep_until_stop(next)) continue;
    for (auto& monitor : monitors_) monitor->look_at_open_burst();
  }
}

model::Snapshot Sampler::snapshot() {
  model::Snapshot snapshot;
  snapshot.agent.version = POOLSCOPE_VERSION;
  snapshot.agent.boot_id = boot_id_;
  snapshot.agent.sequence = ++sequence_;
  snapshot.agent.prices = prices_;
  snapshot.agent.budget_cpu_ratio = config_.budget.cpu_ratio;
  snapshot.agent.cpu_seconds = static_cast<double>(process::clock_ns(CLOCK_PROCESS_CPUTIME_ID)) * 1e-9;
  for (const auto& monitor : monitors_) {
    monitor->read_pages(process::monotonic_ns());
    const model::TargetStatus& status = monitor->look(process::monotonic_ns());
    if (sink_ != nullptr) sink_->take(monitor->id(), status);
    snapshot.targets.push_back(monitor->snapshot());
    if (pace_ == Pace::kWatch) monitor->weigh(snapshot.targets.back());
  }
  const std::uint64_t now_ns = process::monotonic_ns();
  snapshot.time_unix_ns = process::clock_ns(CLOCK_REALTIME);
  keep_moment(snapshot, now_ns);
  return snapshot;
}

void Sampler::keep_moment(const model::Snapshot& snapshot, std::uint64_t now_ns) {
  model::Moment moment{now_ns, snapshot.time_unix_ns, snapshot.agent, {}};
  for (const auto& monitor : monitors_) moment.targets.push_back(monitor->id());
  if (sink_ != nullptr) {
    sink_->take(moment);
    if (sink_->wants_state()) {
      for (const auto& monitor : monitors_) {
        sink_->take(monitor->id(), monitor->look(now_ns));
        const model::CarriedTotals totals = monitor->totals(now_ns);
        if (!estimate::is_empty(totals)) sink_->take(monitor->id(), totals);
      }
    }
  }
  moments_.push_back(std::move(moment));
  std::uint64_t keep_ns = TargetMonitor::kKeepNs;
  for (const auto& monitor : monitors_) keep_ns = std::max(keep_ns, monitor->keep_ns());
  while (moments_.front().at_ns + keep_ns < now_ns) moments_.pop_front();
}

std::optional<model::Snapshot> Sampler::snapshot(const model::TimeRange& range) const {
  estimate::Replay replay(range);
  for (const auto& monitor : monitors_) monitor->retell(replay);
  for (const auto& moment : moments_) replay.take(moment);
  return replay.snapshot();
}

bool Sampler::ready() const {
  return std::all_of(monitors_.begin(), monitors_.end(), [](const auto& monitor) { return monitor->has_answer(); });
}

bool Sampler::all_targets_gone() const {
  const auto is_empty = [](const targets::TargetState& state) { return state.processes.empty(); };
  return had_processes_ && std::all_of(states_.begin(), states_.end(), is_empty);
}

}  // namespace poolscope::sampler
