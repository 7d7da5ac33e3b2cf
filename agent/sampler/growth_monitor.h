#pragma once
// GrowthMonitor: slices that grow in the Go processes of one target, in bursts.
//   Bursts    as long as those on allocations; where pools get long ones (PoolMonitor), up to kLongestNs, as far as kSpendShare of the
//             tokens pays for it.
//   Threads   one.

#include <cstdint>
#include <optional>

#include "agent/budget/burst_plan.h"
#include "agent/sampler/probing.h"
#include "agent/sampler/record_book.h"
#include "agent/sampler/watched_process.h"

namespace poolscope::sampler {

class GrowthMonitor {
 public:
  static constexpr double kSpendShare = 0.2;
  static constexpr std::uint64_t kLongestNs = 50'000'000;

  // `book` gets the records; it must outlive the monitor.
  GrowthMonitor(Probing& probing, RecordBook& book) : probing_(probing), book_(book) {}

  // One burst on a process whose growth can be seen. What it took, in CPU time; nothing when there was none: problem().
  [[nodiscard]] std::optional<std::uint64_t> burst(WatchedProcess& process, const budget::BurstBudget& budget,
                                                   double cpu_per_second);
  // What a hit takes here, over what calibration said (estimate::PriceCheck).
  void set_price_factor(double factor) { price_factor_ = factor; }
  [[nodiscard]] const std::optional<Problem>& problem() const { return problem_; }  // of the last try

 private:
  [[nodiscard]] double price_ns() const;
  [[nodiscard]] std::uint64_t length_ns(const budget::RatePlan& plan, const budget::BurstBudget& budget,
                                        double cpu_per_second) const;

  Probing& probing_;
  RecordBook& book_;
  budget::HitRate hits_;
  double price_factor_ = 1;
  std::optional<Problem> problem_;
};

}  // namespace poolscope::sampler
