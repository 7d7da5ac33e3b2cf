#include "agent/sampler/target_monitor.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <time.h>
#include <unistd.h>

#include "agent/estimate/price_check.h"
#include "agent/estimate/summarize.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::sampler {
namespace {

using model::BurstRecord;

const std::set<std::string> kProcessIsGone{"no_such_process", "process_gone"};

constexpr std::uint64_t kChangesForNs =
    10'000'000'000;  // a target of which a process ended is taken to lose more for so long

// Now, as /proc tells start times.
std::uint64_t ticks_since_boot() {
  static const auto ticks_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * ticks_per_second +
         static_cast<std::uint64_t>(now.tv_nsec) * ticks_per_second / 1'000'000'000;
}

}  // namespace

TargetMonitor::TargetMonitor(Probing& probing, const config::BudgetConfig& budget, std::uint64_t seed,
                             model::TargetId id, model::RecordSink* sink)
    : probing_(probing),
      id_(id),
      sink_(sink, id),
      book_(sink_),
      collector_(probing.programs(), probing.detacher(), probing.calibration().costs),
      budget_(budget),
      random_(seed),
      pools_(probing, book_),
      growth_(probing, book_),
      cpu_(probing, book_),
      tokens_(budget.cpu_ratio) {
  gc_.set_sink(sink_);
  pages_.set_sink(sink_);
}

void TargetMonitor::set_budget(const config::BudgetConfig& budget) {
  if (budget.cpu_ratio != budget_.cpu_ratio) tokens_ = budget::TokenBucket(budget.cpu_ratio);
  budget_ = budget;
}

void TargetMonitor::set_state(const targets::TargetState& state) {
  name_ = state.name;
  labels_ = state.labels;
  no_process_.reset();
  if (state.problem) no_process_ = Problem{targets::reason_label(state.problem->reason), state.problem->detail};
  remember_kinds();
  for (const auto& key : state.left) {
    if (const auto found = processes_.find(key); found != processes_.end()) say_goodbye(found->second);
    processes_.erase(key);
    pools_.forget(key);
    gc_.forget(key);
  }
  for (const auto& process : state.processes) {
    const bool is_new = looked_at_ticks_ != 0 && process.key.start_time_ticks >= looked_at_ticks_;
    const auto [added, is_added] = processes_.try_emplace(process.key, process, is_new);
    if (!is_added) continue;
    if (WatchedProcess* parent = find(process.parent_pid)) parent->watch_children();
  }
  looked_at_ticks_ = ticks_since_boot();
  for (const auto& key : state.execed) {
    pools_.forget(key);
    gc_.forget(key);
    pages_.forget(key, process::monotonic_ns());
    const auto found = processes_.find(key);
    if (found == processes_.end()) continue;
    cpu_.take_last(found->second, nullptr);
    found->second.forget_image();
  }
  cpu_.set_processes(keys());
  gc_.set_processes(keys());
  pages_.set_processes(keys(), process::monotonic_ns());
}

void TargetMonitor::say_goodbye(WatchedProcess& process) {
  last_left_ns_ = process::monotonic_ns();
  WatchedProcess* parent = find(process.parent_pid());
  cpu_.take_last(process, parent);
  if (parent != nullptr) parent->child_left(process);
}

WatchedProcess* TargetMonitor::find(pid_t pid) {
  const auto found = processes_.lower_bound({pid, 0});
  return found != processes_.end() && found->first.pid == pid ? &found->second : nullptr;
}

bool TargetMonitor::wants_fresh_look(std::uint64_t now_ns) const {
  return burst_is_due(now_ns) && last_left_ns_ != 0 && now_ns < last_left_ns_ + kChangesForNs;
}

std::vector<model::ProcessKey> TargetMonitor::keys() const {
  std::vector<model::ProcessKey> keys;
  keys.reserve(processes_.size());
  for (const auto& [key, process] : processes_) keys.push_back(key);
  return keys;
}

void TargetMonitor::remember_kinds() {
  const auto [go, native] = kinds();
  was_go_ = go;
  was_native_ = native;
}

TargetMonitor::Kinds TargetMonitor::kinds() const {
  Kinds now;
  for (const auto& [key, process] : processes_) {
    now.go |= process.is_go();
    now.native |= process.is_known() && !process.is_go();
  }
  // what is said of a target outlives its processes
  return now.go || now.native ? now : Kinds{was_go_, was_native_};
}

void TargetMonitor::forget_processes() {
  remember_kinds();
  for (const auto& [key, process] : processes_) pools_.forget(key);
  processes_.clear();
  looked_at_ticks_ = 0;
}

std::uint64_t TargetMonitor::next_due_ns() const {
  const std::uint64_t due = burst_due_ns_ ? *burst_due_ns_ : stratum_end_ns_;
  return std::min(due, pools_.next_look_ns().value_or(due));
}

bool TargetMonitor::step(std::uint64_t now_ns, const StepPace& pace) {
  may_watch_all_time_ = pace.may_watch_all_time;
  if (pools_.open_on()) {
    const auto process = processes_.find(*pools_.open_on());
    if (pools_.is_over(process == processes_.end() ? nullptr : &process->second, now_ns)) end_pool_burst(now_ns);
  }
  if (burst_is_due(now_ns)) {
    burst_due_ns_.reset();
    ++tries_;
    take_burst();
    // There may be another process in its place: the next burst looks for it first.
    if (kProcessIsGone.contains(missing_)) last_left_ns_ = now_ns;
    return true;
  }
  if (now_ns >= stratum_end_ns_) {
    if (stratum_start_ns_ != 0) close_stratum(now_ns);
    open_stratum(now_ns, pace.stratum_ns);
  }
  return false;
}

void TargetMonitor::weigh(const model::TargetSnapshot& known) {
  const auto& churn = known.allocations.churn_ratio;
  turns_.set_churn_known(churn && churn->low && churn->high && *churn->high - *churn->low <= 2 * kChurnKnown);
}

void TargetMonitor::open_stratum(std::uint64_t now_ns, std::uint64_t stratum_ns) {
  if (stratum_start_ns_ == 0) {
    for (auto& [key, process] : processes_) {
      (void)process.take_cpu_ns();
      (void)process.take_ended_children_ns();
      (void)process.take_work();
      (void)process.take_fresh_pages();
    }
  }
  watch_pools(now_ns);
  stratum_start_ns_ = now_ns;
  stratum_end_ns_ = now_ns + stratum_ns;
  stratum_ns_ = stratum_ns;
  missing_.clear();
  // Any moment: what a target does at the end of each stratum must be seen, too. A burst that lasts beyond it makes it longer.
  burst_due_ns_ = now_ns + std::uniform_int_distribution<std::uint64_t>(0, stratum_ns)(random_);
}

void TargetMonitor::close_stratum(std::uint64_t now_ns) {
  model::StratumRecord stratum;
  stratum.start_ns = stratum_start_ns_;
  stratum.length_ns = now_ns - stratum_start_ns_;
  stratum.work = {0, 0, 0};
  stratum.fresh_pages = 0;
  for (auto& [key, process] : processes_) {
    if (const auto cpu_ns = process.take_cpu_ns()) stratum.target_cpu_ns = stratum.target_cpu_ns.value_or(0) + *cpu_ns;
    stratum.work += process.take_work();
    const auto pages = process.take_fresh_pages();
    stratum.fresh_pages = pages && stratum.fresh_pages ? std::optional(*stratum.fresh_pages + *pages) : std::nullopt;
    if (const auto ended_ns = process.take_ended_children_ns(); ended_ns > 0) {
      stratum.target_cpu_ns = stratum.target_cpu_ns.value_or(0) + ended_ns;
      stratum.ended_cpu_ns += ended_ns;
      stratum.work = {};  // nobody knows what these did
    }
    if (process.go_runtime() != nullptr) tokens_.spend(gc_.read(*process.go_runtime()));
    if (process.pools() == nullptr) continue;
    const double allowance_ns = budget_.cpu_ratio * static_cast<double>(process.recent_cpu_ns());
    tokens_.spend(pools_.read_watch(process, now_ns, allowance_ns));
  }
  tokens_.spend(cpu_.close(now_ns, processes_));
  stratum.missing = missing_;
  stratum.unrecorded_hits = std::exchange(unrecorded_hits_, 0);
  stratum.unrecorded_charge_ns = std::exchange(unrecorded_charge_ns_, 0);
  stratum.burst_planned = burst_planned_;
  tokens_.earn(stratum.target_cpu_ns.value_or(0), stratum.length_ns);
  book_.keep(std::move(stratum));
  forget_old(now_ns);
  check_prices();
}

void TargetMonitor::check_prices() {
  const auto price = estimate::check_price(book_.bursts(), book_.strata(), &BurstRecord::allocation_window);
  price_factor_ = std::max(price.factor, 1.0);
  const auto prior = is_go() ? estimate::PriceCheck::prior_of_go() : estimate::PriceCheck{};
  const auto pool_price = estimate::check_pool_price(book_.pool_bursts(), book_.slice_growth(), book_.strata(), prior);
  pools_.set_price_factor(std::max(pool_price.factor, 1.0));
  growth_.set_price_factor(std::max(pool_price.factor, 1.0));
}

void TargetMonitor::forget_old(std::uint64_t now_ns) {
  const std::uint64_t oldest = now_ns - std::min(now_ns, keep_ns());
  book_.forget_before(oldest);
  gc_.forget_before(oldest);
  pages_.forget_before(oldest);
}

// Every process gets a little weight besides its CPU time, so that idle ones are looked at now and then.
WatchedProcess* TargetMonitor::draw_process() {
  constexpr double kIdleWeight = 1e5;  // as much as 0.1 ms of CPU time
  double sum = 0;
  for (auto& [key, process] : processes_) sum += static_cast<double>(process.recent_cpu_ns()) + kIdleWeight;
  double at = std::uniform_real_distribution<double>(0, sum)(random_);
  for (auto& [key, process] : processes_) {
    at -= static_cast<double>(process.recent_cpu_ns()) + kIdleWeight;
    if (at <= 0) return &process;
  }
  return nullptr;
}

void TargetMonitor::take_burst() {
  WatchedProcess* process = draw_process();
  if (process == nullptr) {
    missing_ = "no_process";
    return;
  }
  process->prepare(probing_);
  burst_planned_ = true;
  // A native process with described pools has both: they take turns.
  const bool pools_turn = process->pools() != nullptr && bursts_tried_++ % 2 == 0;
  if (process->is_go() || pools_turn) {
    if (is_growths_turn(*process)) {
      take_growth_burst(*process);
    } else {
      take_pool_burst(*process);
    }
    return;
  }
  if (const auto& problem = process->problem()) {
    missing_ = problem->reason;
    rate_problem_ = cohort_problem_ = problem;
    return;
  }
  if (const auto problem = burst_on(*process)) missing_ = problem->reason;
}

// Reading every process of a large target at once would take seconds: of those, each is read when it is drawn.
void TargetMonitor::watch_pools(std::uint64_t now_ns) {
  constexpr std::size_t kFewProcesses = 8;
  for (auto& [key, process] : processes_) {
    if (processes_.size() <= kFewProcesses) process.prepare(probing_);
    if (process.pools() != nullptr) pools_.watch(process, now_ns);
  }
}

bool TargetMonitor::is_growths_turn(const WatchedProcess& process) {
  if (process.growth() == nullptr || pools_.open_on()) return false;
  return process.pools() == nullptr || ++growth_turn_ % kGrowthEvery == 0;
}

void TargetMonitor::take_growth_burst(WatchedProcess& process) {
  if (const auto charge_ns = growth_.burst(process, burst_budget(process), cpu_per_second(process))) {
    tokens_.spend(*charge_ns);
  } else {
    missing_ = growth_.problem()->reason;
  }
  // Pools that can be watched all the time need not wait for the next stratum.
  const bool is_alone = processes_.size() == 1 && process.pools() != nullptr;
  if (is_alone && may_watch_all_time_ && pools_.can_stay_open(burst_budget(process), cpu_per_second(process)))
    burst_due_ns_ = process::monotonic_ns();
}

double TargetMonitor::cpu_per_second(const WatchedProcess& process) const {
  if (book_.strata().empty()) return 1;
  return static_cast<double>(process.recent_cpu_ns()) / static_cast<double>(book_.strata().back().length_ns);
}

void TargetMonitor::take_pool_burst(WatchedProcess& process) {
  if (process.is_go()) rate_problem_ = cohort_problem_ = process.problem();
  burst_planned_ = process.pools() != nullptr || process.go_runtime() == nullptr;
  last_pools_problem_ = process.pools_problem();
  if (process.pools() == nullptr) {
    missing_ = process.pools_problem() ? process.pools_problem()->reason : process.problem()->reason;
    return;
  }
  if (pools_.open_on()) return;  // a long one is under way
  // What was learnt on one process of several, or beside allocation bursts, is no promise for a second of another one.
  const bool may_be_long = process.is_go() && processes_.size() == 1;
  const auto charge_ns =
      pools_.burst(process, burst_budget(process), may_be_long ? std::optional(cpu_per_second(process)) : std::nullopt);
  if (charge_ns) {
    tokens_.spend(*charge_ns);
  } else {
    missing_ = charge_ns.error().reason;
  }
}

void TargetMonitor::end_pool_burst(std::uint64_t now_ns) {
  const auto process = processes_.find(*pools_.open_on());
  const bool is_there = process != processes_.end() && process->second.pools() != nullptr;
  if (is_there && process->second.pools()->has_open_burst()) {
    tokens_.spend(pools_.end_burst(process->second));
    const bool is_alone = processes_.size() == 1 && process->second.is_go();
    if (is_alone && may_watch_all_time_ &&
        pools_.can_stay_open(burst_budget(process->second), cpu_per_second(process->second)))
      burst_due_ns_ = now_ns;
  } else {
    pools_.forget(*pools_.open_on());  // it executed another program, or mapped new code
  }
}

bool TargetMonitor::is_go() const {
  return kinds().go;
}

}  // namespace poolscope::sampler
