#pragma once
// Outcomes: what became of advice. When a limit of a pool that counts itself comes to be about what was advised, by whomever, what the target does
// since is compared with what it did before.
//   Measure   CPU time of the target per get of the pool, in steps of kStepNs; 1 - the ratio of the geometric means since and before, with a 95 %
//             interval by Welch's t (1947) over the steps. Whatever else changed at that time is in it; the price of memory is not.
//   Followed  within a fifth of what was advised, by which advise.h tells two values apart.
//   Restarts  history() is all that is known. A limit that changed while no agent ran is noticed by the next one that is given it.
//   Memory    kMostSteps before and since, kMostFollowed outcomes of a pool, kMostPools pools; what was not seen for kForgetNs is forgotten.
//   Threads   one.

#include <cstddef>
#include <cstdint>

#include "exporters/model/advice_history.h"
#include "exporters/model/snapshot.h"

namespace poolscope::advice {

class Outcomes {
 public:
  static constexpr std::uint64_t kStepNs = 30'000'000'000;
  static constexpr std::size_t kFewestSteps = 3, kMostSteps = 20, kMostFollowed = 8, kMostPools = 1000;
  static constexpr std::uint64_t kForgetNs = 30ULL * 24 * 3600 * 1'000'000'000;

  explicit Outcomes(model::AdviceHistory history = {}) : history_(std::move(history)) {}

  // Takes the limits and the advice of `now` and sets `advice_outcomes` of its targets. True when there is something new to be kept: limits,
  // what was told, what was followed.
  bool note(model::Snapshot& now);
  // Whether looking at steps tells anything: some advice was told or followed.
  [[nodiscard]] bool wants_steps() const { return !history_.pools.empty(); }
  // What was measured since `from_unix_ns`. Counts for the pools whose limits did not change meanwhile.
  void add_step(const model::Snapshot& step, std::uint64_t from_unix_ns);
  [[nodiscard]] const model::AdviceHistory& history() const { return history_; }

 private:
  model::AdviceHistory history_;
};

}  // namespace poolscope::advice
