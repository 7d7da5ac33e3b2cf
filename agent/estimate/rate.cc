#include "agent/estimate/rate.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "agent/estimate/exact.h"
#include "agent/estimate/intervals.h"
#include "agent/estimate/summarize.h"

namespace poolscope::estimate {
namespace {

constexpr double kRuleOfThree = 3;  // -ln(0.05): with no event seen, the rate that 95 % of the time would show one

double believed_charge_ns(const model::Window& window) {
  return std::min(static_cast<double>(window.charge_ns), kLargestChargeShare * static_cast<double>(window.cpu_ns));
}

// How long the window would have been without probes. A saturated target waits for every probe, shared by the threads that run; one
// that has pauses makes up for it there. Where nobody followed that, what is late is what probes took and pauses do not hold.
double undilated_ns(const model::Window& window) {
  const double length_ns = static_cast<double>(window.length_ns), cpu_ns = static_cast<double>(window.cpu_ns);
  if (window.late_ns)
    return length_ns - std::min(static_cast<double>(*window.late_ns), kLargestChargeShare * length_ns);
  const double pauses_ns = std::max(0.0, length_ns - cpu_ns), running_threads = std::max(1.0, cpu_ns / length_ns);
  return length_ns - std::max(0.0, believed_charge_ns(window) / running_threads - pauses_ns);
}

}  // namespace

Related related_to_cpu_time(std::span<const CountedWindow> windows, std::optional<double> cpu_per_second,
                            double charge_error_ratio) {
  Related related{{}, cpu_per_second, 0};
  double charge_ns = 0, own_ns = 0;
  std::size_t hopeless = 0;
  for (const auto& counted : windows) {
    const double charged_ns = believed_charge_ns(counted.window);
    const double cpu_ns = static_cast<double>(counted.window.cpu_ns);
    if (static_cast<double>(counted.window.charge_ns) > kHopelessChargeShare * cpu_ns) ++hopeless;
    charge_ns += charged_ns;
    own_ns += static_cast<double>(counted.window.cpu_ns) - charged_ns;
    related.in_window.push_back((static_cast<double>(counted.window.cpu_ns) - charged_ns) / kNsPerSecond);
  }
  if (own_ns > 0) related.common_error_ratio = charge_ns / own_ns * charge_error_ratio;
  if (2 * hopeless > windows.size()) related.per_second.reset();
  return related;
}

Related related_to_time(std::span<const CountedWindow> windows, double charge_error_ratio) {
  Related related{{}, 1.0, 0};
  // Rates if nothing that probes took made the target late, as it is taken to be, and if all of it did, and was dearer than it was said to be.
  double never_late = 0, late = 0, always_late = 0;
  for (const auto& counted : windows) {
    const double length_ns = static_cast<double>(counted.window.length_ns), undilated = undilated_ns(counted.window);
    const double charge_ns = (1 + 2 * charge_error_ratio) * believed_charge_ns(counted.window);
    const double events = static_cast<double>(counted.events);
    related.in_window.push_back(undilated / kNsPerSecond);
    never_late += events / length_ns;
    late += events / undilated;
    always_late += events / std::max(length_ns - charge_ns, (1 - kLargestChargeShare) * length_ns);
  }
  // The end of the interval, two deviations away, reaches the further one.
  if (late > 0) related.common_error_ratio = std::max(always_late / late - 1, 1 - never_late / late) / 2;
  return related;
}

RateEstimator RateEstimator::sampled(std::span<const CountedWindow> windows, const Related& related) {
  RateEstimator estimator;
  estimator.common_error_ratio_ = related.common_error_ratio;
  estimator.related_per_second_ = related.per_second;
  estimator.windows_.reserve(windows.size());
  for (std::size_t i = 0; i < windows.size(); ++i) estimator.add_window(windows[i], related, i);
  estimator.form_groups(windows);
  estimator.set_weights();
  return estimator;
}

RateEstimator RateEstimator::exact(std::span<const CountedWindow> windows) {
  RateEstimator estimator;
  estimator.exact_ = true;
  const double covered_seconds = static_cast<double>(union_ns(windows)) / kNsPerSecond;
  Sampled all;
  all.weight = covered_seconds > 0 ? 1 / covered_seconds : 0;
  estimator.windows_.assign(windows.size(), all);
  return estimator;
}

void RateEstimator::add_window(const CountedWindow& counted, const Related& related, std::size_t i) {
  if (static_cast<double>(counted.window.charge_ns) > believed_charge_ns(counted.window)) ++clamped_windows_;
  Sampled sampled;
  sampled.undilated_seconds = undilated_ns(counted.window) / kNsPerSecond;
  sampled.related = related.in_window[i];
  if (counted.window.ended_by_count && counted.events > 0) {
    sampled.counted_share = 1 - 1 / static_cast<double>(counted.events);
  }
  windows_.push_back(sampled);
}

// Group 0 holds the processes with too few windows, or none with anything to relate to, for a ratio of their own.
void RateEstimator::form_groups(std::span<const CountedWindow> windows) {
  std::map<model::ProcessKey, Group> processes;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    Group& process = processes[windows[i].process];
    process.related_per_second += windows_[i].related_per_second();
    ++process.windows;
  }
  std::map<model::ProcessKey, std::size_t> group_of;
  groups_.resize(1);
  for (const auto& [key, process] : processes) {
    const bool own = process.windows >= kBurstsForInterval && process.related_per_second > 0;
    const std::size_t group = own ? groups_.size() : 0;
    if (own) groups_.emplace_back();
    group_of[key] = group;
    groups_[group].related_per_second += process.related_per_second;
    groups_[group].windows += process.windows;
  }
  for (std::size_t i = 0; i < windows.size(); ++i) windows_[i].group = group_of[windows[i].process];
  for (Group& group : groups_) {
    if (group.related_per_second <= 0) continue;
    group.related_per_second /= static_cast<double>(group.windows);
    usable_windows_ += group.windows;
  }
}

void RateEstimator::set_weights() {
  for (Sampled& window : windows_) {
    const double related_per_second = groups_[window.group].related_per_second;
    if (usable_windows_ == 0) {
      window.weight = window.per_second(1) / static_cast<double>(windows_.size());
    } else if (related_per_second > 0) {
      window.weight = window.per_second(1) / (related_per_second * static_cast<double>(usable_windows_)) *
                      related_per_second_.value_or(1);
    }
  }
}

model::MaybeEstimate RateEstimator::rate(std::span<const WindowCount> counts) const {
  if (windows_.empty()) return std::nullopt;
  double sum = 0, rate = 0;
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    sum += counts[i].sum;
    rate += windows_[i].weight * counts[i].sum;
  }
  if (exact_) return windows_.front().weight > 0 ? model::MaybeEstimate{{rate, {}, {}}} : std::nullopt;
  if (!related_per_second_) return std::nullopt;
  if (sum <= 0) return no_events();
  if (usable_windows_ == 0) return std::nullopt;
  return ratio_estimate(counts);
}

model::Estimate RateEstimator::no_events() const {
  model::Estimate none;
  if (windows_.size() < kBurstsForInterval) return none;
  double related = 0, seconds = 0;
  for (const Sampled& window : windows_) {
    related += window.related;
    seconds += window.undilated_seconds;
  }
  none.low = 0;
  none.high = related > 0 ? kRuleOfThree / related * *related_per_second_ : kRuleOfThree / seconds;
  return none;
}

model::Estimate RateEstimator::ratio_estimate(std::span<const WindowCount> counts) const {
  std::vector<double> ratio(groups_.size());
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    const Group& group = groups_[windows_[i].group];
    if (group.related_per_second <= 0) continue;
    ratio[windows_[i].group] +=
        windows_[i].per_second(counts[i].sum) / (group.related_per_second * static_cast<double>(group.windows));
  }
  const double m = static_cast<double>(usable_windows_);
  double mean = 0;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    if (groups_[g].related_per_second > 0) mean += ratio[g] * static_cast<double>(groups_[g].windows) / m;
  }
  // The mean over windows of R_g + (y_i - R_g x_i) / mean(x_g) is `mean`; its spread is the variance of the estimate.
  double squares = 0, poisson = 0, related_squares = 0;
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    const Sampled& window = windows_[i];
    const double typical = groups_[window.group].related_per_second, own = ratio[window.group];
    if (typical <= 0) continue;
    const double residual =
        (window.per_second(counts[i].sum) - own * window.related_per_second()) / typical + own - mean;
    squares += residual * residual;
    related_squares += std::pow(window.related_per_second() / typical, 2);
    const double per_event = 1 / (window.undilated_seconds * typical);
    poisson += per_event * per_event * counts[i].poisson_variance;
  }
  model::Estimate estimate{mean * *related_per_second_, {}, {}};
  if (usable_windows_ < kBurstsForInterval) return estimate;
  const double variance = std::max(squares / (m * (m - 1)), poisson / (m * m));
  const double common_error = common_error_ratio_ * mean;
  const double telling_windows = std::max(2.0, std::round(m * m / related_squares));
  const double half = student_t_975(static_cast<unsigned>(telling_windows) - 1) *
                      std::sqrt(variance + common_error * common_error) / mean;
  estimate.low = estimate.value * std::exp(-half);
  estimate.high = estimate.value * std::exp(half);
  return estimate;
}

}  // namespace poolscope::estimate
