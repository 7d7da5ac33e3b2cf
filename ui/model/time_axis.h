#pragma once
// TimeAxis: the one time range that all views show, and how it moves.
//   Follow    the range ends where the data ends and moves with it. Panning, scrubbing and selecting stop that; nothing stops recording.
//   Bounds    the range never leaves what there is, but for data that is shorter than kMinLengthNs.
//   Empty     before set_bounds() the range is empty and nothing moves it.
//   Threads   a value; no sharing.

#include <cstdint>

namespace poolscope::viewer {

inline constexpr double kNsPerSecond = 1e9;

// Since the epoch; both ends belong to it.
struct TimeRange {
  std::uint64_t from_ns = 0, to_ns = 0;
  [[nodiscard]] std::uint64_t length_ns() const { return to_ns > from_ns ? to_ns - from_ns : 0; }
  [[nodiscard]] bool holds(std::uint64_t ns) const { return ns >= from_ns && ns <= to_ns; }
  // 0 at its beginning, 1 at its end.
  [[nodiscard]] double position(double ns) const;
  [[nodiscard]] std::uint64_t at(double position) const;
  bool operator==(const TimeRange&) const = default;
};

class TimeAxis {
 public:
  static constexpr std::uint64_t kMinLengthNs = 10'000'000'000;
  static constexpr std::uint64_t kDefaultLengthNs = 300'000'000'000;

  // What there is now.
  void set_bounds(const TimeRange& bounds);
  [[nodiscard]] const TimeRange& bounds() const { return bounds_; }
  [[nodiscard]] const TimeRange& shown() const { return shown_; }
  [[nodiscard]] bool follows() const { return follows_; }

  void follow();
  void pause() { follows_ = false; }
  void toggle() { follows_ ? pause() : follow(); }
  // Makes the range `factor` times as long; what is at `position` (0..1) stays there. While it follows, its end does.
  void zoom(double factor, double position);
  // By this share of its length, towards later times when positive.
  void pan(double share);
  // From one time to another, in either order.
  void show(std::uint64_t one_ns, std::uint64_t other_ns);
  // So that it ends there, with the length it has.
  void scrub_to(std::uint64_t ns);
  void show_all();

 private:
  void keep_inside();
  void set_length(std::uint64_t length_ns);

  TimeRange bounds_, shown_;
  std::uint64_t wanted_length_ns_ = kDefaultLengthNs;  // shown as soon as there is so much
  bool follows_ = true;
};

}  // namespace poolscope::viewer
