#pragma once
// CalibrationChild: a forked child that allocates on request and says how much CPU time that took.

#include <cstdint>
#include <optional>

#include <sys/types.h>

#include "poolscope/unique_fd.h"

namespace poolscope::probes {

class CalibrationChild {
 public:
  enum class Confinement { kNone, kSeccomp };
  // Nothing when fork() or pipe() failed.
  [[nodiscard]] static std::optional<CalibrationChild> start(Confinement confinement);
  CalibrationChild(CalibrationChild&&) = default;
  CalibrationChild& operator=(CalibrationChild&&) = delete;
  ~CalibrationChild();  // ends the child and reaps it

  [[nodiscard]] pid_t pid() const { return pid_; }
  // CPU nanoseconds per malloc/free pair over `pairs` pairs; nothing when the child died.
  [[nodiscard]] std::optional<double> run(std::uint32_t pairs);
  // The median over kRounds of kPairsPerRound.
  static constexpr std::uint32_t kRounds = 9, kPairsPerRound = 1000;
  [[nodiscard]] std::optional<double> median_pair_ns();

 private:
  CalibrationChild(pid_t pid, UniqueFd to, UniqueFd from) : pid_(pid), to_(std::move(to)), from_(std::move(from)) {}
  pid_t pid_;
  UniqueFd to_, from_;
};

}  // namespace poolscope::probes
