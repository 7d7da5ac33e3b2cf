#pragma once
// What is true of recorded streams in a range of time, counted and not estimated.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "tests/truth/event_stream.h"

namespace poolscope::truth {

struct Range {
  std::uint64_t begin_ns = 0, end_ns = 0;
  [[nodiscard]] double seconds() const { return static_cast<double>(end_ns - begin_ns) * 1e-9; }
  [[nodiscard]] bool holds(std::uint64_t time_ns) const { return begin_ns <= time_ns && time_ns < end_ns; }
};

// Ages at which lives are looked at; the streams must go on that long after the range, births that come too late for it are left out.
inline constexpr std::uint64_t kShortNs = 1'000'000, kChurnNs = 10'000'000;

struct Lives {
  std::uint64_t births = 0, dead_by_1ms = 0, dead_by_10ms = 0;
  double bytes = 0, bytes_dead_by_10ms = 0;  // as asked for last
};

// Sums of any number of streams, of processes of one target, over the same range.
class Truth {
 public:
  explicit Truth(Range range) : range_(range) {}
  void add(const EventStream& stream);

  [[nodiscard]] std::uint64_t allocations() const { return allocations_; }
  [[nodiscard]] std::uint64_t allocated_bytes() const { return allocated_bytes_; }
  [[nodiscard]] std::uint64_t reallocations() const { return reallocations_; }
  [[nodiscard]] std::uint64_t frees() const { return frees_; }
  [[nodiscard]] double allocations_per_second() const { return per_second(allocations_); }
  [[nodiscard]] double bytes_per_second() const { return per_second(allocated_bytes_); }
  [[nodiscard]] double reallocations_per_second() const { return per_second(reallocations_); }
  [[nodiscard]] double frees_per_second() const { return per_second(frees_); }
  // Smallest size that at least the share `p` of all allocations and reallocations asked for or less; nothing when there was none.
  [[nodiscard]] std::optional<std::uint64_t> size_quantile(double p) const;
  [[nodiscard]] const Lives& lives() const { return lives_; }
  [[nodiscard]] std::uint64_t events() const { return allocations_ + reallocations_ + frees_; }

 private:
  [[nodiscard]] double per_second(std::uint64_t count) const { return static_cast<double>(count) / range_.seconds(); }
  void add_lives(const EventStream& stream);

  Range range_;
  std::uint64_t allocations_ = 0, allocated_bytes_ = 0, reallocations_ = 0, frees_ = 0;
  std::map<std::uint64_t, std::uint64_t> sizes_;
  Lives lives_;
};

}  // namespace poolscope::truth
