#pragma once
// TargetMonitor: watches one target. Time is cut into strata; in each, one burst is taken at a random moment of one
// process, drawn in proportion to the CPU time it uses, within the budget.
//   Threads   one.
//   Memory    records of the last keep_ns() (RecordBook).
//   Ladder    rate bursts until the rate is known, then rate bursts and cohorts (burst_turns.h). A cohort that is too hot is replaced by a look
//             at growth, a burst on frees or a rate burst, one that cannot be paid by a rate burst or saved for, a rate burst that cannot be paid by a stratum that says why it is missing. Once
//             churn is known to kChurnKnown (weigh()), cohorts are rarer.

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent/budget/burst_plan.h"
#include "agent/budget/burst_turns.h"
#include "agent/budget/token_bucket.h"
#include "agent/config/config.h"
#include "agent/sampler/cpu_monitor.h"
#include "agent/sampler/gc_monitor.h"
#include "agent/sampler/growth_monitor.h"
#include "agent/sampler/page_monitor.h"
#include "agent/sampler/pool_monitor.h"
#include "agent/sampler/probing.h"
#include "agent/sampler/record_book.h"
#include "agent/sampler/undilated.h"
#include "agent/sampler/watched_process.h"
#include "agent/targets/target_set.h"
#include "exporters/model/record.h"
#include "exporters/model/snapshot.h"
#include "exporters/model/target_record.h"
#include "probes/collectors/alloc_bursts.h"

namespace poolscope::sampler {

class TargetMonitor {
 public:
  // Records are kept for so long; where strata are so long that these are few, for kKeepStrata of them.
  static constexpr std::uint64_t kKeepNs = 300'000'000'000;
  static constexpr std::uint64_t kKeepStrata = 30;
  static constexpr unsigned kGrowthEvery = 3;
  static constexpr double kChurnKnown = 0.05;  // half the interval

  // `sink` is told every record when it is made; nullptr: nobody.
  TargetMonitor(Probing& probing, const config::BudgetConfig& budget, std::uint64_t seed, model::TargetId id,
                model::RecordSink* sink);

  // What the target consists of now; after every look at /proc.
  void set_state(const targets::TargetState& state);
  void set_budget(const config::BudgetConfig& budget);

  [[nodiscard]] bool burst_is_due(std::uint64_t now_ns) const { return burst_due_ns_ && now_ns >= *burst_due_ns_; }
  // What is known well enough is measured less often from now on.
  void weigh(const model::TargetSnapshot& known);
  // A burst is due and processes of the target come and go: the next set_state() should be as of now.
  [[nodiscard]] bool wants_fresh_look(std::uint64_t now_ns) const;
  // The next step() looks whether the open burst on pools, if there is one, has stopped.
  void look_at_open_burst() { pools_.look_now(); }
  // When step() has something to do (CLOCK_MONOTONIC).
  [[nodiscard]] std::uint64_t next_due_ns() const;
  struct StepPace {
    std::uint64_t stratum_ns = 0;     // of strata that are opened from now on
    bool may_watch_all_time = false;  // the agent can afford bursts on pools that follow each other without a pause
  };
  // Takes the burst of this stratum, or closes the stratum and opens the next. True when a burst was tried.
  bool step(std::uint64_t now_ns, const StepPace& pace);

  // Reads what the pools of the target publish, so that a snapshot() right after it has them as they are.
  void read_pages(std::uint64_t now_ns) { pages_.read(now_ns); }
  // What is known now beside records; kept, so that a range that ends here can be told again.
  const model::TargetStatus& look(std::uint64_t now_ns);
  // As of the last look().
  [[nodiscard]] model::TargetSnapshot snapshot() const;
  // What all records until now add up to.
  [[nodiscard]] model::CarriedTotals totals(std::uint64_t now_ns) const;
  // All that is kept.
  void retell(model::RecordSink& sink) const;
  [[nodiscard]] model::TargetId id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::size_t bursts() const {
    return book_.bursts().size() + book_.pool_bursts().size() + book_.slice_growth().size();
  }
  // Strata in which a burst was to be taken, since the target is watched.
  [[nodiscard]] std::size_t tries() const { return tries_; }
  [[nodiscard]] std::uint64_t keep_ns() const { return std::max(kKeepNs, kKeepStrata * stratum_ns_); }
  // False while all that can be measured of the target needs no burst: a Go program without pools and slices
  // that grow.
  [[nodiscard]] bool plans_bursts() const { return burst_planned_; }
  [[nodiscard]] bool has_data() const { return bursts() > 0 || gc_.has_data() || pages_.has_data(); }
  // True once there was a burst, or there is a reason why there is none.
  [[nodiscard]] bool has_answer() const { return bursts() > 0 || no_process_ || rate_problem_ || pools_.problem(); }
  // The next set_state() lists all processes anew.
  void forget_processes();

 private:
  [[nodiscard]] WatchedProcess* find(pid_t pid);
  void say_goodbye(WatchedProcess& process);
  void open_stratum(std::uint64_t now_ns, std::uint64_t stratum_ns);
  void close_stratum(std::uint64_t now_ns);
  void take_burst();
  void take_pool_burst(WatchedProcess& process);
  // One burst in kGrowthEvery, all of a Go process without pools.
  [[nodiscard]] bool is_growths_turn(const WatchedProcess& process);
  void take_growth_burst(WatchedProcess& process);
  void end_pool_burst(std::uint64_t now_ns);
  // CPU seconds per second that the process used lately.
  [[nodiscard]] double cpu_per_second(const WatchedProcess& process) const;
  void watch_pools(std::uint64_t now_ns);
  [[nodiscard]] WatchedProcess* draw_process();
  [[nodiscard]] std::optional<Problem> burst_on(WatchedProcess& process);
  [[nodiscard]] std::optional<Problem> rate_burst(WatchedProcess& process);
  struct CohortOutcome {
    std::optional<Problem> problem;  // why there is no cohort
    bool is_waited_for = false;      // it could not be paid, and no other burst is to spend what is saved for it
    std::optional<budget::BurstTurns::Kind> taken = {};  // kCohort, also of a look at growth in its place
    bool is_too_hot = false;                             // and there was no look at growth
  };
  [[nodiscard]] CohortOutcome cohort_burst(WatchedProcess& process);
  // Where a cohort is refused as too hot.
  enum class GrowthLook { kTaken, kSavedFor, kNone };
  [[nodiscard]] GrowthLook growth_burst(WatchedProcess& process);
  // Where a cohort is refused as too hot, once the rate is known.
  [[nodiscard]] bool wants_frees() const;
  [[nodiscard]] std::optional<Problem> frees_burst(WatchedProcess& process);
  using Count = Result<model::BurstRecord, probes::BurstFailure> (probes::AllocBursts::*)(const probes::BurstTarget&,
                                                                                          const probes::RateLimits&);
  [[nodiscard]] std::optional<Problem> counting_burst(WatchedProcess& process,
                                                      const budget::PlanOrRefusal<budget::RatePlan>& planned,
                                                      Count count);
  void keep(model::BurstRecord record);
  // A burst without a record; what it took is spent nevertheless.
  [[nodiscard]] Problem failed(const probes::BurstFailure& failure);
  // `most_charge_ns`: of one CPU within burst_max_ms, where less is allowed than to others; 0: no less.
  [[nodiscard]] probes::Pace pace(std::uint64_t most_charge_ns = 0) const;
  void learn_rates(const model::BurstRecord& record);
  void learn_rate(budget::HitRate& rate, Saturation& saturation, const model::ProcessKey& key,
                  const model::Window& window, std::uint64_t calls);
  void check_prices();
  void forget_old(std::uint64_t now_ns);
  [[nodiscard]] budget::BurstBudget burst_budget(const WatchedProcess& process) const;
  [[nodiscard]] budget::BurstPrices burst_prices(const WatchedProcess& process) const;
  [[nodiscard]] std::vector<model::CollectorStatus> collectors() const;
  [[nodiscard]] std::vector<model::ProcessKey> keys() const;  // of the processes
  [[nodiscard]] bool is_go() const;
  // Of the processes that could be read; of those that were there last when there is none.
  struct Kinds {
    bool go = false, native = false;
  };
  [[nodiscard]] Kinds kinds() const;
  void remember_kinds();
  [[nodiscard]] std::vector<model::CollectorStatus> pool_collectors() const;
  [[nodiscard]] model::CollectorStatus gc_collector() const;
  [[nodiscard]] model::CollectorStatus growth_collector() const;
  [[nodiscard]] model::CollectorStatus cpu_collector() const;
  [[nodiscard]] model::CollectorStatus collector(const char* name, bool has_data,
                                                 const std::optional<Problem>& problem) const;

  Probing& probing_;
  model::TargetId id_;
  model::TargetSink sink_;
  RecordBook book_;
  std::size_t tries_ = 0;
  std::uint64_t stratum_ns_ = 0;  // as long as the present stratum is planned
  bool may_watch_all_time_ = false;
  // The last snapshot() and how many changes there were by then: most targets have no news when one is made.
  mutable std::optional<model::TargetSnapshot> said_;
  mutable std::uint64_t said_changes_ = 0;
  probes::AllocBursts collector_;
  config::BudgetConfig budget_;
  std::mt19937_64 random_;

  std::string name_;
  std::map<std::string, std::string> labels_;
  std::optional<Problem> no_process_;
  std::map<model::ProcessKey, WatchedProcess> processes_;
  bool was_go_ = false, was_native_ = false;
  std::uint64_t looked_at_ticks_ = 0;  // the last set_state(), as /proc tells start times
  std::uint64_t last_left_ns_ = 0;

  PoolMonitor pools_;
  GcMonitor gc_;
  GrowthMonitor growth_;
  CpuMonitor cpu_;
  PageMonitor pages_;
  budget::TokenBucket tokens_;
  budget::HitRate allocations_, frees_;
  Saturation allocating_, freeing_;
  probes::CallerSteps steps_;
  std::optional<Problem> rate_problem_, cohort_problem_, last_pools_problem_;  // of the last try; empty after a success
  budget::BurstTurns turns_;
  unsigned bursts_tried_ = 0;
  unsigned growth_turn_ = 0;

  std::uint64_t stratum_start_ns_ = 0, stratum_end_ns_ = 0;
  std::optional<std::uint64_t> burst_due_ns_;
  std::string missing_;
  std::uint64_t unrecorded_hits_ = 0, unrecorded_charge_ns_ = 0;  // of this stratum
  bool burst_planned_ = true;

  // How much dearer a hit is here than calibrated, where the target's own work shows it; never taken as cheaper.
  double price_factor_ = 1;
};

}  // namespace poolscope::sampler
