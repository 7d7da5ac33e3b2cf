#pragma once
// Clocks in nanoseconds; CLOCK_MONOTONIC is that of bpf_ktime_get_ns(), so that both sides of a burst speak of the same time.

#include <cerrno>
#include <cstdint>

#include <time.h>

namespace poolscope::process {

inline std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

inline std::uint64_t monotonic_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}

// Returns at `when_ns`, also when signals arrive meanwhile.
inline void sleep_until_ns(std::uint64_t when_ns) {
  timespec until{};
  until.tv_sec = static_cast<time_t>(when_ns / 1'000'000'000u);
  until.tv_nsec = static_cast<long>(when_ns % 1'000'000'000u);
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

}  // namespace poolscope::process
