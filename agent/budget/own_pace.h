#pragma once
// OwnPace: how long an agent waits from one burst to the next, over all targets, so that what it does itself takes kAimRatio of a core. What a
// burst takes of the agent is measured, with what comes later (detaching on other threads); what it does anyway is upkeep: looking
// for processes, making snapshots, recording them, answering who asks.

#include <algorithm>
#include <cstdint>

namespace poolscope::budget {

class OwnPace {
 public:
  static constexpr double kCpuRatio = 0.01;
  // Below it, because bursts are set in advance and some take twice what others do: by a tenth and more from minute to minute.
  static constexpr double kAimRatio = 0.85 * kCpuRatio;
  // Bursts get at least so much of kCpuRatio, however dear upkeep is.
  static constexpr double kShareOfBursts = 0.25;
  static constexpr std::uint64_t kWindowNs = 10'000'000'000;
  // What a burst takes of the agent until that is known: of 50 targets, `./dev bench soak`.
  static constexpr double kUsualBurstNs = 1'500'000;

  void spend_on_upkeep(std::uint64_t cpu_ns) { upkeep_ns_ += cpu_ns; }
  void took_burst() { ++bursts_; }

  // `cpu_ns`: of the agent so far. What it had used before the first call does not count.
  void observe(std::uint64_t cpu_ns, std::uint64_t now_ns) {
    if (window_start_ns_ != 0 && now_ns < window_start_ns_ + kWindowNs) return;
    if (window_start_ns_ != 0) learn(cpu_ns - cpu_before_ns_, now_ns - window_start_ns_);
    window_start_ns_ = now_ns;
    cpu_before_ns_ = cpu_ns;
    upkeep_ns_ = bursts_ = 0;
  }

  [[nodiscard]] double interval_ns() const {
    return burst_ns_ / std::max(kAimRatio - upkeep_ratio_, kCpuRatio * kShareOfBursts);
  }

 private:
  void learn(std::uint64_t cpu_ns, std::uint64_t elapsed_ns) {
    const double upkeep_ns = static_cast<double>(std::min(upkeep_ns_, cpu_ns));
    const double ratio = upkeep_ns / static_cast<double>(elapsed_ns);
    upkeep_ratio_ = upkeep_ratio_ == 0 ? ratio : (upkeep_ratio_ + ratio) / 2;
    if (bursts_ == 0) return;
    const double latest_ns = (static_cast<double>(cpu_ns) - upkeep_ns) / static_cast<double>(bursts_);
    burst_ns_ = knows_bursts_ ? (burst_ns_ + latest_ns) / 2 : latest_ns;
    knows_bursts_ = true;
  }

  double burst_ns_ = kUsualBurstNs, upkeep_ratio_ = 0;
  bool knows_bursts_ = false;
  std::uint64_t window_start_ns_ = 0, cpu_before_ns_ = 0, upkeep_ns_ = 0, bursts_ = 0;
};

}  // namespace poolscope::budget
