#pragma once
// When to say it: advice that changes with every window is worse than none. All state is in values that can be stored.
//
//   Patience     a change is told when what staying has cost adds up to more than the change costs (renting until the sum paid the
//                price of buying, as in ski rental: never worse than twice the best; Karlin et al. 1988), when the lower end of its saving was
//                positive in kGrowEpochs or kShrinkEpochs epochs in a row, and when it is at least kLeastChange.
//   Grow, shrink growing prevents misses now, shrinking gives memory back later: grow fast, shrink slowly and at most by a quarter. Of the
//                answers of these epochs the one nearest to the current value is told.
//   Regime       CUSUM (Page 1954) over a series of observations: both sums of what lies more than kSlack deviations from the median of the
//                reference, an alarm above kAlarm. Deviations are 1.4826 x the median of the distances from the median, which outliers do not
//                move. In-control about 1 false alarm in 2 000 observations (measured by steady_test).
//   Working set  of idle buffers: the mean of max - min per interval, 4 : 1 new to old, as FreeBSD's UMA has it. What lies above was never
//                needed in recent intervals.
//   Threads      values; no sharing.

#include <cstdint>
#include <optional>
#include <vector>

#include "pools/sizing/capacity.h"

namespace poolscope::sizing {

// One epoch's answer: what the setting is, what would be best, what that would save per second.
struct Proposal {
  std::uint64_t current = 0, best = 0;
  Interval saving_ns_per_second;
  double switch_cost_ns = 0;
};

struct Patience {
  static constexpr double kLeastChange = 0.2;
  static constexpr unsigned kGrowEpochs = 2, kShrinkEpochs = 5;
  static constexpr double kMostShrink = 0.25;

  double regret_ns = 0;
  unsigned epochs = 0;  // in a row in which the change would have been right
  bool is_growth = false;
  std::uint64_t nearest = 0;  // to the current value, of the answers of these epochs

  // After an epoch of `seconds`. The value to change to, or nullopt: keep. After an answer it begins anew.
  [[nodiscard]] std::optional<std::uint64_t> note(const Proposal& proposal, double seconds);
};

class Cusum {
 public:
  static constexpr std::size_t kReference = 30;
  static constexpr double kSlack = 0.5, kAlarm = 8;

  // True: what is observed is not what the reference was; the next kReference observations are the new one.
  [[nodiscard]] bool note(double value);
  [[nodiscard]] bool is_learning() const { return reference_.size() < kReference; }

 private:
  void learn();

  std::vector<double> reference_;
  double median_ = 0, deviation_ = 0, above_ = 0, below_ = 0;
};

struct WorkingSet {
  double buffers = 0;
  // Ends an interval in which between `least` and `most` were idle.
  void note(std::uint64_t least, std::uint64_t most);
  // Of `idle` ones now, how many to give back: half of what lies above the working set, so that an outlier does not cost all.
  [[nodiscard]] std::uint64_t surplus(std::uint64_t idle) const;
};

}  // namespace poolscope::sizing
