#pragma once
// Adviser: gives the snapshots of one agent their advice, one after the other, so that it holds while nothing changes.
//   Epochs    of kEpochNs, by the times of the snapshots. A gap, as of a machine that slept, counts as one epoch.
//   Cost      some 25 us per pool, so advice is made anew once in an epoch, and when pools have come or gone. Between, the last one stays:
//             its evidence has the values that it was made from.
//   Memory    what advice_state.h keeps per target that is in the snapshots.
//   Threads   one.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/advice/advise.h"

namespace poolscope::advice {

class Adviser {
 public:
  static constexpr std::uint64_t kEpochNs = 20'000'000'000;

  explicit Adviser(sizing::Prices prices, const AdviceOptions& options = {});
  // Sets `agent.prices` and the advice of every target.
  void advise(model::Snapshot& snapshot);
  [[nodiscard]] const sizing::Prices& prices() const { return prices_; }

 private:
  struct Target {
    AdviceState state;
    std::vector<model::Advice> advice;
    std::size_t pools = 0;  // that it was made for
    bool is_new = true;
  };

  sizing::Prices prices_;
  AdviceOptions options_;
  std::uint64_t epoch_start_ns_ = 0;
  std::map<std::string, Target> targets_;  // by name
};

// The same for one snapshot that stands for itself: of a recording, or of a range of time.
void advise_once(model::Snapshot& snapshot, const sizing::Prices& prices, const AdviceOptions& options = {});

}  // namespace poolscope::advice
