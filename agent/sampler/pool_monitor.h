#pragma once
// PoolMonitor: the pools of one target: watches rare events of every process with pools all the time and takes bursts when it is told to.
//   Metering  a watch whose misses cost more than a fifth of the budget, and a millisecond of CPU time that later strata may make up
//             for, goes on without them; they are tried again after kRetryNs.
//   Bursts    as long as the tokens pay for, so pools that are used rarely are seen nearly all the time; where probes slow the target by
//             more than kLongShare of what the budget allows, short ones as for allocations. Every kFollowEvery-th follows objects from get to put,
//             every kOrderEvery-th sees at most kMaxOrderedEvents one by one.
//             A long one stays open between calls of step(). One that met more hits than it was planned for has to end: its program wakes
//             whoever sleeps (PoolPrograms::sleep_until_stop()), look_now() is called then, and is_over() to be asked; every kLookNs in
//             any case. None is more than kLongerTimes as long as the one before it.
//   Threads   one.

#include <cstdint>
#include <map>
#include <optional>
#include <random>

#include "agent/budget/burst_plan.h"
#include "agent/sampler/probing.h"
#include "agent/sampler/record_book.h"
#include "agent/sampler/watched_process.h"
#include "exporters/model/pool_record.h"
#include "exporters/model/snapshot.h"

namespace poolscope::sampler {

class PoolMonitor {
 public:
  static constexpr std::uint64_t kRetryNs = 30'000'000'000;
  static constexpr unsigned kFollowEvery = 4;
  static constexpr unsigned kOrderEvery = 8;
  static constexpr double kLongShare = 0.75;
  static constexpr std::uint64_t kLookNs = 250'000'000;
  static constexpr std::uint64_t kLongerTimes = 8;
  static constexpr std::uint64_t kLongestBurstNs = 1'000'000'000;

  // Where probes slow the target by no more, a burst may be long. `burst_slowdown` as configured.
  [[nodiscard]] static double slowdown_of_long_bursts(double burst_slowdown) {
    return kLongShare * (burst_slowdown - 1);
  }

  // `book` gets the records; it must outlive the monitor.
  PoolMonitor(Probing& probing, RecordBook& book) : probing_(probing), book_(book) {}

  // One burst on a process whose pools can be seen, or the beginning of a long one. What it took, in CPU time, or why there was
  // none. `cpu_per_second`: what the process uses, where that is known to go on; without it the burst is short.
  [[nodiscard]] Result<std::uint64_t, Problem> burst(WatchedProcess& process, const budget::BurstBudget& budget,
                                                     std::optional<double> cpu_per_second);
  // When to look at the open burst.
  [[nodiscard]] std::optional<std::uint64_t> next_look_ns() const;
  void look_now() { looked_ns_ = 0; }
  // Whether the open burst, which is on `process`, should end. No burst is open: false.
  [[nodiscard]] bool is_over(const WatchedProcess* process, std::uint64_t now_ns);
  // The tokens pay for a long burst: then it may begin at once, its moment need not be drawn.
  [[nodiscard]] bool can_stay_open(const budget::BurstBudget& budget, double cpu_per_second) const;
  // Ends the long burst on `process`, which it must be of; what it took.
  std::uint64_t end_burst(WatchedProcess& process);
  [[nodiscard]] const std::optional<model::ProcessKey>& open_on() const { return open_on_; }
  // What a hit takes here, over what calibration said (estimate::PriceCheck). Whatever is planned and spent counts with it.
  void set_price_factor(double factor) { price_factor_ = factor; }
  // Starts watching where that is due.
  void watch(WatchedProcess& process, std::uint64_t now_ns);
  // Reads the watch of a process; what it took. `allowance_ns`: of CPU time for the time since the last call.
  std::uint64_t read_watch(WatchedProcess& process, std::uint64_t now_ns, double allowance_ns);
  void forget(const model::ProcessKey& key);

  [[nodiscard]] const std::optional<Problem>& problem() const { return problem_; }  // of the last try
  // "" or what a reader should know about the numbers.
  [[nodiscard]] std::string remark() const;

 private:
  // Probes slow the target so little that a burst may be long; how long it can be paid.
  [[nodiscard]] std::optional<double> affordable_ns(const budget::BurstBudget& budget, double cpu_per_second) const;
  [[nodiscard]] double price_ns() const;
  [[nodiscard]] budget::PlanOrRefusal<budget::RatePlan> plan(const budget::BurstBudget& budget,
                                                             std::optional<double> cpu_per_second) const;
  [[nodiscard]] probes::PoolLimits limits_of(const budget::RatePlan& plan, std::optional<double> cpu_per_second) const;
  Result<std::uint64_t, Problem> keep(Result<model::PoolBurstRecord, probes::BurstFailure> record);

  Probing& probing_;
  RecordBook& book_;
  budget::HitRate hits_;
  budget::HitPrice price_;
  double price_factor_ = 1;
  std::optional<model::ProcessKey> open_on_;
  std::uint64_t open_until_ns_ = 0, looked_ns_ = 0;
  std::uint64_t last_length_ns_ = budget::kFirstBurstNs;
  unsigned turn_ = 0;
  std::optional<Problem> problem_;
  std::map<model::ProcessKey, std::uint64_t> without_misses_since_;
  std::map<model::ProcessKey, double> watch_overdraft_ns_;
};

}  // namespace poolscope::sampler
