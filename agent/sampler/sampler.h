#pragma once
// Sampler: the measuring loop over all targets, on the thread that calls run(). One burst at a time, machine-wide.
//   Pace      strata are as long as the agent's own CPU budget (budget::OwnPace) asks for, kFirstStratumNs at least. Somebody who takes a look
//             waits for it: until a target has kBurstsOfALook, or was tried kTriesForABurst times as often, they are kFirstStratumNs whatever
//             that takes. A watch goes on for days: after kBurstsOfAWatch strata are kWatchStratumNs at least. The kernel waits some 80 ms
//             for grace periods around every burst, and meanwhile a program that switches between threads all the time is slower.
//   Stop      run() returns within the length of one burst after stop() or when `until_ns` is reached.

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/budget/own_pace.h"
#include "agent/budget/upkeep_pace.h"
#include "agent/config/config.h"
#include "agent/sampler/probing.h"
#include "agent/sampler/target_monitor.h"
#include "agent/targets/target_set.h"
#include "exporters/model/snapshot.h"
#include "exporters/model/target_record.h"
#include "poolscope/result.h"

namespace poolscope::sampler {

class Sampler {
 public:
  static constexpr std::uint64_t kFirstStratumNs = 400'000'000;
  static constexpr std::uint64_t kLongestStratumNs = 60'000'000'000;
  static constexpr std::uint64_t kWatchStratumNs = 3'000'000'000;
  // From one look at /proc to the next; where processes come and go there is one before each burst, too.
  static constexpr std::uint64_t kDiscoveryNs = 1'000'000'000, kLongestDiscoveryNs = 5'000'000'000;
  // Where events say that no process of this machine changed.
  static constexpr std::uint64_t kLongestWithoutLookNs = 60'000'000'000;
  static constexpr std::size_t kBurstsOfALook = 60, kBurstsOfAWatch = 12;
  static constexpr std::size_t kTriesForABurst = 3;

  enum class Pace { kLook, kWatch };
  // `sink` is told everything that snapshots are made of, nullptr: nobody; it must outlive the sampler.
  [[nodiscard]] static Result<std::unique_ptr<Sampler>, std::string> create(Probing& probing,
                                                                            const config::Config& config, Pace pace,
                                                                            model::RecordSink* sink = nullptr);

  // Measures until stop(), `until_ns` (CLOCK_MONOTONIC), or `idle` says so. `idle` is called between bursts, at least
  // five times a second, and may call snapshot(), reload() and stop().
  void run(std::uint64_t until_ns, const std::function<void()>& idle);
  // From any thread and from signal handlers.
  void stop() { stopping_.store(true, std::memory_order_relaxed); }

  // New targets and budgets; targets that stay keep what was measured. The old ones stay when it fails.
  [[nodiscard]] Result<Done, std::string> reload(const config::Config& config);

  // What advice goes by here: told with every snapshot from now on, and recorded.
  void set_prices(sizing::Prices prices) { prices_ = std::move(prices); }
  // Everything known now; sequence numbers rise by one.
  [[nodiscard]] model::Snapshot snapshot();
  // What was known at the end of a range, from the records that lie in it; records are kept for TargetMonitor::keep_ns(), and a range ends
  // at a moment at which there was a snapshot(). Nothing when it has none.
  [[nodiscard]] std::optional<model::Snapshot> snapshot(const model::TimeRange& range) const;
  // True once every target was looked for and either has had a burst or a reason for none.
  [[nodiscard]] bool ready() const;
  // True when there were processes and none is left.
  [[nodiscard]] bool all_targets_gone() const;
  [[nodiscard]] const std::vector<std::unique_ptr<TargetMonitor>>& monitors() const { return monitors_; }

 private:
  Sampler(Probing& probing, Pace pace, model::RecordSink* sink);
  [[nodiscard]] Result<Done, std::string> set_targets(const config::Config& config);
  void discover();
  void look_for_processes(std::uint64_t now_ns);
  // All records until now are in a snapshot.
  void keep_moment(const model::Snapshot& snapshot, std::uint64_t now_ns);
  [[nodiscard]] TargetMonitor::StepPace pace_of(const TargetMonitor& monitor) const;
  [[nodiscard]] std::uint64_t next_due_ns() const;
  void watch_own_pace();
  // Runs something that is no burst; returns the CPU time that it took.
  std::uint64_t keep_up(const std::function<void()>& work);

  Probing& probing_;
  Pace pace_;
  model::RecordSink* sink_;
  config::Config config_;
  std::unique_ptr<targets::TargetSet> target_set_;
  std::vector<std::unique_ptr<TargetMonitor>> monitors_;  // one per configured target, in their order
  std::vector<targets::TargetState> states_;
  bool had_processes_ = false;
  std::uint64_t next_discovery_ns_ = 0, looked_ns_ = 0;
  std::uint64_t next_seed_;
  model::TargetId next_id_;            // agents that were started one after the other have no target in common
  std::deque<model::Moment> moments_;  // as long as the records of any target
  std::string boot_id_;
  std::uint64_t sequence_ = 0;
  std::optional<sizing::Prices> prices_;
  budget::OwnPace own_pace_;
  std::uint64_t served_ns_ = 0;  // CPU time of threads that neither measure nor detach, so far
  budget::UpkeepPace discovery_pace_{kDiscoveryNs, kLongestDiscoveryNs};
  std::atomic<bool> stopping_{false};
};

}  // namespace poolscope::sampler
