#include "ui/model/time_axis.h"

#include <algorithm>
#include <cmath>

namespace poolscope::viewer {

double TimeRange::position(double ns) const {
  const auto length = static_cast<double>(length_ns());
  return length > 0 ? (ns - static_cast<double>(from_ns)) / length : 0;
}

std::uint64_t TimeRange::at(double position) const {
  const double offset = std::clamp(position, 0.0, 1.0) * static_cast<double>(length_ns());
  return from_ns + static_cast<std::uint64_t>(offset);
}

void TimeAxis::set_bounds(const TimeRange& bounds) {
  const bool was_empty = bounds_.to_ns == 0;
  bounds_ = bounds;
  if (was_empty || follows_) follow();
  keep_inside();
}

void TimeAxis::follow() {
  follows_ = true;
  const std::uint64_t length = std::min(wanted_length_ns_, std::max(bounds_.length_ns(), kMinLengthNs));
  shown_ = {bounds_.to_ns - std::min(length, bounds_.to_ns), bounds_.to_ns};
}

void TimeAxis::set_length(std::uint64_t length_ns) {
  wanted_length_ns_ = std::clamp(length_ns, kMinLengthNs, std::max(kMinLengthNs, bounds_.length_ns()));
}

void TimeAxis::zoom(double factor, double position) {
  if (bounds_.to_ns == 0 || !(factor > 0) || !std::isfinite(factor)) return;
  const auto length = static_cast<double>(shown_.length_ns());
  const double longest = static_cast<double>(std::max(kMinLengthNs, bounds_.length_ns()));
  const double wanted = std::clamp(length * factor, static_cast<double>(kMinLengthNs), longest);
  const double stays = static_cast<double>(shown_.from_ns) + std::clamp(position, 0.0, 1.0) * length;
  set_length(static_cast<std::uint64_t>(wanted));
  if (follows_) return follow();
  const double from = std::max(0.0, stays - std::clamp(position, 0.0, 1.0) * wanted);
  shown_ = {static_cast<std::uint64_t>(from), static_cast<std::uint64_t>(from + wanted)};
  keep_inside();
}

void TimeAxis::pan(double share) {
  if (bounds_.to_ns == 0 || !std::isfinite(share) || share == 0) return;
  follows_ = false;
  const std::uint64_t length = shown_.length_ns();
  const auto step = static_cast<std::uint64_t>(std::min(std::abs(share), 1e3) * static_cast<double>(length));
  shown_.from_ns = share > 0 ? shown_.from_ns + step : shown_.from_ns - std::min(step, shown_.from_ns);
  shown_.to_ns = shown_.from_ns + length;
  keep_inside();
}

void TimeAxis::show(std::uint64_t one_ns, std::uint64_t other_ns) {
  if (bounds_.to_ns == 0) return;
  follows_ = false;
  shown_ = {std::min(one_ns, other_ns), std::max(one_ns, other_ns)};
  if (shown_.length_ns() < kMinLengthNs) shown_.to_ns = shown_.from_ns + kMinLengthNs;
  set_length(shown_.length_ns());
  keep_inside();
}

void TimeAxis::scrub_to(std::uint64_t ns) {
  if (bounds_.to_ns == 0) return;
  follows_ = false;
  const std::uint64_t length = shown_.length_ns();
  const std::uint64_t to_ns = std::clamp(ns, bounds_.from_ns, bounds_.to_ns);
  shown_ = {to_ns - std::min(length, to_ns), to_ns};
  keep_inside();
}

void TimeAxis::show_all() {
  if (bounds_.to_ns == 0) return;
  set_length(bounds_.length_ns());
  shown_ = bounds_;
  keep_inside();
}

// Moves the range as a whole, then cuts what still hangs out.
void TimeAxis::keep_inside() {
  const std::uint64_t room = std::max(bounds_.length_ns(), kMinLengthNs);
  const std::uint64_t length = std::min(shown_.length_ns(), room);
  std::uint64_t to = std::min(shown_.to_ns, bounds_.to_ns);
  const std::uint64_t earliest = bounds_.from_ns + std::min(length, bounds_.length_ns());
  to = std::max(to, earliest);
  shown_ = {to - std::min(length, to), to};
}

}  // namespace poolscope::viewer
