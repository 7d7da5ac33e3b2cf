#pragma once
// GrowthMonitor: slices that grow in the Go processes of one target, in bursts.
//   Bursts    as long as those on allocations; where pools get long ones (PoolMonitor), up to kLongestNs, as far as kSpendShare of the
//             tokens pays for it.
//   Memory    records of the last TargetMonitor::kKeepNs.
//   Threads   one.

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/budget/burst_plan.h"
#include "agent/sampler/probing.h"
#include "agent/sampler/watched_process.h"
#include "exporters/model/record.h"
#include "exporters/model/target_record.h"

namespace poolscope::sampler {

class GrowthMonitor {
 public:
  static constexpr double kSpendShare = 0.2;
  static constexpr std::uint64_t kLongestNs = 50'000'000;

  explicit GrowthMonitor(Probing& probing) : probing_(probing) {}

  void set_sink(const model::TargetSink& sink) { sink_ = sink; }
  // One burst on a process whose growth can be seen. What it took, in CPU time; nothing when there was none: problem().
  [[nodiscard]] std::optional<std::uint64_t> burst(WatchedProcess& process, const budget::BurstBudget& budget,
                                                   double cpu_per_second);
  // What a hit takes here, over what calibration said (estimate::PriceCheck).
  void set_price_factor(double factor) { price_factor_ = factor; }
  void forget_before(std::uint64_t oldest_ns);
  [[nodiscard]] const std::vector<model::BurstRecord>& bursts() const { return bursts_; }
  [[nodiscard]] const std::optional<Problem>& problem() const { return problem_; }  // of the last try

 private:
  [[nodiscard]] double price_ns() const;
  [[nodiscard]] std::uint64_t length_ns(const budget::RatePlan& plan, const budget::BurstBudget& budget,
                                        double cpu_per_second) const;

  Probing& probing_;
  model::TargetSink sink_;
  budget::HitRate hits_;
  double price_factor_ = 1;
  std::optional<Problem> problem_;
  std::vector<model::BurstRecord> bursts_;  // oldest first
};

}  // namespace poolscope::sampler
