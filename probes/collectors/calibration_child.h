#pragma once
// CalibrationChild: a forked child that allocates on request and says how much CPU time that took.
// What a probe costs is told by two of them, one probed and one not, that work by turns on one CPU: one that becomes slower for some
// milliseconds, as those of virtual machines do, or whose core is busy with something else, slows both, and the median of many short
// rounds leaves out those in which it slowed one.

#include <cstdint>
#include <optional>

#include <sys/types.h>

#include "poolscope/unique_fd.h"

namespace poolscope::probes {

class CalibrationChild {
 public:
  enum class Confinement { kNone, kSeccomp };
  // Runs on `cpu` alone where that is permitted. Nothing when fork() or pipe() failed.
  [[nodiscard]] static std::optional<CalibrationChild> start(Confinement confinement, int cpu);
  CalibrationChild(CalibrationChild&&) = default;
  CalibrationChild& operator=(CalibrationChild&&) = delete;
  ~CalibrationChild();  // kills the child and reaps it: the end of its pipe would not do, a later child holds it open, too

  [[nodiscard]] pid_t pid() const { return pid_; }
  // CPU nanoseconds per malloc/free pair over `pairs` pairs; nothing when the child died.
  [[nodiscard]] std::optional<double> run(std::uint32_t pairs);

 private:
  CalibrationChild(pid_t pid, UniqueFd to, UniqueFd from) : pid_(pid), to_(std::move(to)), from_(std::move(from)) {}
  pid_t pid_;
  UniqueFd to_, from_;
};

struct PairPrice {
  double plain_ns = 0;  // a pair without probes
  double extra_ns = 0;  // what probes add to it, 1 at least
};
inline constexpr std::uint32_t kCalibrationRounds = 50, kPairsPerRound = 200;
// Medians over kCalibrationRounds, each of kPairsPerRound with `probed` and with `plain`; nothing when one of them died.
[[nodiscard]] std::optional<PairPrice> price_pair(CalibrationChild& probed, CalibrationChild& plain);

}  // namespace poolscope::probes
