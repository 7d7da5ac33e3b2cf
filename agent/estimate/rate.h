#pragma once
// RateEstimator: from what was counted in windows to events per wall second of the target.
//
// Sampled. Events are put in relation to something that goes with them and whose total for the whole target is known (an
//   auxiliary variable, Cochran, Sampling Techniques, chapter 6): CPU time, its read and write calls, time, allocations.
//   Window i gives y_i events and x_i of it, both per undilated second of the window, so that a window that had to be short
//   weighs as much as a long one. R = sum(y_i) / sum(x_i), and the rate is R times the total per second.
//   Interval: R times or over exp(t(m - 1) * SE(R) / R), SE of the ratio estimator (Cochran). On the scale of logarithms because rates of
//   bursty targets are skew: where few windows met any work, R and its SE are often too low together, and R +- SE misses above.
//   Few        windows without any of x say nothing of R, so m in t(m - 1) is the effective number (Kish) of those with: (sum x)^2 / sum(x^2).
//   Floor      SE(R) is at least what Poisson counts of this size would give: twelve windows with one event each agree by
//              chance and know little.
//   Count      a window that its N-th event ended has (N - 1) / T events per second; N / T would be too high.
//   Common     an error that moves all windows alike, as that of the price of a hit, does not average out over bursts: the
//              interval is widened by it.
//   Processes  the scheduler draws one process in proportion to its CPU time, so busy processes are already seen more
//              often. R is therefore formed per process and averaged with the share of windows as weight; processes with
//              fewer than kBurstsForInterval windows form one group. One process: the plain formula.
//   Clamp      a charge above 80 % of a window's CPU time says that the calibration is off, not that the target did so
//              little; it is cut there, which keeps the rate from exploding, and the window is counted. Where most windows have more than 95 %,
//              nobody can say how much of their CPU time was the target's own: it is too hot for a rate by CPU time.
//   Nothing    where no window saw any of x there is nothing to relate events to: no rate, unless nothing happened.
//   No events  the value is 0 and `high` is 3 over the observed x (rule of three), or over the observed seconds where no x
//              was seen either.
// Exact. The counts over the wall time that the union of the windows covers; no interval.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "exporters/model/record.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

// Of the CPU time of a window or a target: beyond this a charge is not believed.
inline constexpr double kLargestChargeShare = 0.8;
// And where it is so much, what is left is within the error of the price.
inline constexpr double kHopelessChargeShare = 0.95;

// A window together with the events that could end it by count.
struct CountedWindow {
  model::ProcessKey process;
  model::Window window;
  std::uint64_t events = 0;
};

// What one window saw of one thing, and the variance that a Poisson process would give it.
struct WindowCount {
  double sum = 0;
  double poisson_variance = 0;
  static WindowCount of_events(double events) { return {events, events}; }
  // Bytes of `events` events of about the same size.
  static WindowCount of_bytes(double bytes, double events) { return {bytes, events > 0 ? bytes * bytes / events : 0}; }
};

// What events are put in relation to.
struct Related {
  std::vector<double> in_window;     // one for each window, in any unit
  std::optional<double> per_second;  // of the whole target; absent: weights are relative and rate() has no answer
  double common_error_ratio = 0;     // relative standard error that all windows share
};

// CPU time of the target itself, in seconds. `charge_error_ratio` is the relative standard error of all charges.
[[nodiscard]] Related related_to_cpu_time(std::span<const CountedWindow> windows, std::optional<double> cpu_per_second,
                                          double charge_error_ratio);
// The seconds that passed, for a target that waits most of the time: its work comes from outside or by the clock, and it makes up
// in its pauses for what probes took, as far as it has any in the window. Not always: the interval reaches as far as if it never were late,
// and as if it were late by the whole charge.
[[nodiscard]] Related related_to_time(std::span<const CountedWindow> windows, double charge_error_ratio);

class RateEstimator {
 public:
  // Windows need a length above 0.
  static RateEstimator sampled(std::span<const CountedWindow> windows, const Related& related);
  static RateEstimator exact(std::span<const CountedWindow> windows);

  // counts[i] belongs to windows[i]. Nothing when there is no window or events have nothing to relate to.
  [[nodiscard]] model::MaybeEstimate rate(std::span<const WindowCount> counts) const;
  // Events per second of the target that one event in window i stands for: rate = sum of weight(i) * events in i.
  [[nodiscard]] double weight(std::size_t i) const { return windows_[i].weight; }
  [[nodiscard]] std::size_t size() const { return windows_.size(); }
  [[nodiscard]] std::uint64_t clamped_windows() const { return clamped_windows_; }

 private:
  struct Sampled {
    double undilated_seconds = 0;
    double related = 0;
    double counted_share = 1;  // (N - 1) / N when the N-th event ended the window
    std::size_t group = 0;
    double weight = 0;
    [[nodiscard]] double related_per_second() const { return related / undilated_seconds; }
    [[nodiscard]] double per_second(double sum) const { return sum * counted_share / undilated_seconds; }
  };
  struct Group {
    double related_per_second = 0;  // mean over its windows
    std::size_t windows = 0;
  };
  void add_window(const CountedWindow& counted, const Related& related, std::size_t i);
  void form_groups(std::span<const CountedWindow> windows);
  void set_weights();
  [[nodiscard]] model::Estimate no_events() const;
  [[nodiscard]] model::Estimate ratio_estimate(std::span<const WindowCount> counts) const;

  std::vector<Sampled> windows_;
  std::vector<Group> groups_;
  std::size_t usable_windows_ = 0;  // in groups that saw something to relate to
  std::optional<double> related_per_second_;
  double common_error_ratio_ = 0;
  std::uint64_t clamped_windows_ = 0;
  bool exact_ = false;
};

}  // namespace poolscope::estimate
