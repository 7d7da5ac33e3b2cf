#pragma once
// PlayedPool: a pool of one cap, played twice: with nothing idle at the start, and with as many as it keeps. The truth for a miss curve.

#include <algorithm>
#include <cstdint>

#include "pools/sizing/miss_curve.h"

namespace poolscope::sizing {

class PlayedPool {
 public:
  explicit PlayedPool(std::uint64_t cap) : cap_(cap), high_(cap) {}

  void put() {
    low_ = std::min(low_ + 1, cap_);
    high_ = std::min(high_ + 1, cap_);
  }
  void get() {
    misses_.gets_after += low_ == high_ ? 1 : 0;
    misses_.misses_after += low_ == high_ && low_ == 0 ? 1 : 0;
    misses_.from_empty += low_ == 0 ? 1 : 0;
    misses_.from_full += high_ == 0 ? 1 : 0;
    low_ -= low_ > 0 ? 1 : 0;
    high_ -= high_ > 0 ? 1 : 0;
  }
  [[nodiscard]] const CapMisses& misses() const { return misses_; }

 private:
  std::uint64_t cap_;
  std::uint64_t low_ = 0, high_;  // idle objects
  CapMisses misses_;
};

}  // namespace poolscope::sizing
