#pragma once
// UpkeepPace: how long an agent waits before it does something again that it has to do all the time, such as looking for processes or making a
// snapshot: `least_ns` while that is cheap; where it is dear, as with many targets, so long that it takes kCpuRatio of a core, up to
// `most_ns`. Two of them take at most half of what the agent has (own_pace.h). The first time tells nothing of those to come: everything is
// read for the first time then.

#include <algorithm>
#include <cstdint>

#include "agent/budget/own_pace.h"

namespace poolscope::budget {

class UpkeepPace {
 public:
  static constexpr double kCpuRatio = OwnPace::kCpuRatio / 4;

  UpkeepPace(std::uint64_t least_ns, std::uint64_t most_ns) : least_ns_(least_ns), most_ns_(most_ns) {}

  // It took `cpu_ns` this time.
  void took(std::uint64_t cpu_ns) {
    const auto latest = static_cast<double>(cpu_ns);
    if (times_++ == 0) return;
    cost_ns_ = times_ == 2 ? latest : (cost_ns_ + latest) / 2;
  }

  [[nodiscard]] std::uint64_t interval_ns() const {
    return std::clamp(static_cast<std::uint64_t>(cost_ns_ / kCpuRatio), least_ns_, most_ns_);
  }

 private:
  std::uint64_t least_ns_, most_ns_;
  std::uint64_t times_ = 0;
  double cost_ns_ = 0;
};

}  // namespace poolscope::budget
