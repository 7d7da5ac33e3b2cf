#pragma once
// TokenBucket: CPU time that probes may take from one target. It fills with a fixed share of the CPU time the target
// uses and is emptied by what probes were charged, so over any time the charge is at most
//   cpu_ratio x target CPU time + one first burst + one overshoot.
// Level below zero means silence until the debt is earned back.

#include <algorithm>
#include <cstdint>

namespace poolscope::budget {

class TokenBucket {
 public:
  // At most this many seconds of income are kept for later.
  static constexpr double kMaxSavedSeconds = 60;

  explicit TokenBucket(double cpu_ratio) : cpu_ratio_(cpu_ratio) {}

  // The target used `cpu_ns` of CPU time during `elapsed_ns` of wall time.
  void earn(std::uint64_t cpu_ns, std::uint64_t elapsed_ns) {
    const double income = cpu_ratio_ * static_cast<double>(cpu_ns);
    if (elapsed_ns > 0) {
      const double per_second = income / (static_cast<double>(elapsed_ns) * 1e-9);
      income_per_second_ = income_per_second_ == 0 ? per_second : 0.6 * per_second + 0.4 * income_per_second_;
    }
    const double cap = std::max(kMaxSavedSeconds * income_per_second_, level_ns_);
    level_ns_ = std::min(level_ns_ + income, cap);
  }
  void spend(std::uint64_t charge_ns) { level_ns_ -= static_cast<double>(charge_ns); }

  [[nodiscard]] double level_ns() const { return level_ns_; }
  // What the bucket can hold at the present income.
  [[nodiscard]] double capacity_ns() const { return kMaxSavedSeconds * income_per_second_; }

 private:
  double cpu_ratio_;
  double level_ns_ = 0;
  double income_per_second_ = 0;
};

}  // namespace poolscope::budget
