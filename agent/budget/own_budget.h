#pragma once
// OwnBudget: what the agent itself may use of one CPU. When it uses more, bursts wait until that is earned back; at most kMostShed in a
// row, so that no target is forgotten.

#include <algorithm>
#include <cstdint>

#include "agent/budget/token_bucket.h"

namespace poolscope::budget {

class OwnBudget {
 public:
  static constexpr double kCpuRatio = 0.01;
  static constexpr unsigned kMostShed = 9;

  // CPU time of the agent and the clock, now; the first call is the beginning.
  void account(std::uint64_t cpu_ns, std::uint64_t now_ns) {
    if (now_ns_ != 0 && now_ns > now_ns_) {
      const std::uint64_t elapsed_ns = now_ns - now_ns_;
      tokens_.earn(elapsed_ns, elapsed_ns);
      tokens_.spend(cpu_ns - cpu_ns_);
      const double recent = static_cast<double>(cpu_ns - cpu_ns_) / static_cast<double>(elapsed_ns);
      cpu_ratio_ += (recent - cpu_ratio_) * std::min(static_cast<double>(elapsed_ns) / kRecentNs, 1.0);
    }
    now_ns_ = now_ns;
    cpu_ns_ = cpu_ns;
  }
  // What the agent used without having a choice: to get to know a target.
  void forgive(std::uint64_t cpu_ns) { tokens_.forgive(cpu_ns); }
  [[nodiscard]] bool is_exceeded() const { return tokens_.level_ns() < 0; }
  // Asked once for each burst that is due; one that is not allowed is counted.
  [[nodiscard]] bool allows_burst() {
    if (!is_exceeded() || shed_in_a_row_ == kMostShed) {
      shed_in_a_row_ = 0;
      return true;
    }
    ++shed_in_a_row_;
    ++shed_bursts_;
    return false;
  }
  [[nodiscard]] std::uint64_t shed_bursts() const { return shed_bursts_; }
  // Share of one CPU in about the last minute.
  [[nodiscard]] double cpu_ratio() const { return cpu_ratio_; }

 private:
  static constexpr double kRecentNs = 60e9;
  TokenBucket tokens_{kCpuRatio};
  std::uint64_t now_ns_ = 0, cpu_ns_ = 0;
  std::uint64_t shed_bursts_ = 0;
  unsigned shed_in_a_row_ = 0;
  double cpu_ratio_ = 0;
};

}  // namespace poolscope::budget
