#include "pools/sizing/miss_curve.h"

#include <algorithm>

namespace poolscope::sizing {
namespace {

std::size_t cap_for(std::uint64_t depth) {
  return static_cast<std::size_t>(std::ranges::lower_bound(kIdleCaps, depth) - kIdleCaps.begin());
}

}  // namespace

void MissCurve::merge(const MissCurve& other) {
  gets += other.gets;
  for (std::size_t i = 0; i < caps.size(); ++i) {
    caps[i].from_empty += other.caps[i].from_empty;
    caps[i].from_full += other.caps[i].from_full;
    caps[i].gets_after += other.caps[i].gets_after;
    caps[i].misses_after += other.caps[i].misses_after;
  }
}

void MissCurveBuilder::put() {
  stack_.push_back(1);
  unknown_depth_ = std::max<std::uint64_t>(unknown_depth_, stack_.size() + 1);
  if (stack_.size() > kIdleCaps.back()) stack_.pop_front();
  meet();
}

void MissCurveBuilder::get() {
  ++gets_;
  if (stack_.empty()) {
    ++cold_gets_;
    ++cold_hits_[cap_for(unknown_depth_)];
    ++unknown_depth_;  // the next one lay below it
    meet();
    return;
  }
  const std::uint32_t depth = stack_.back();
  stack_.pop_back();
  ++hits_[cap_for(depth)];
  if (!stack_.empty()) stack_.back() = std::max(stack_.back(), depth + 1);
}

std::uint64_t MissCurveBuilder::misses_from_empty(std::size_t cap) const {
  std::uint64_t misses = cold_gets_;
  for (std::size_t i = cap + 1; i < hits_.size(); ++i) misses += hits_[i];
  return misses;
}

// No unknown object is left in the pool of a cap once the newest of them has been deeper than it.
void MissCurveBuilder::meet() {
  while (met_count_ < kIdleCapCount && unknown_depth_ > kIdleCaps[met_count_]) {
    met_[met_count_] = {gets_, misses_from_empty(met_count_)};
    ++met_count_;
  }
}

MissCurve MissCurveBuilder::curve() const {
  MissCurve curve;
  curve.gets = gets_;
  std::uint64_t taken_unknown = 0;
  for (std::size_t i = 0; i < kIdleCapCount; ++i) {
    CapMisses& cap = curve.caps[i];
    taken_unknown += cold_hits_[i];
    cap.from_empty = misses_from_empty(i);
    cap.from_full = cap.from_empty - taken_unknown;
    if (i >= met_count_) continue;
    cap.gets_after = gets_ - met_[i].gets;
    cap.misses_after = cap.from_empty - met_[i].misses;
  }
  return curve;
}

}  // namespace poolscope::sizing
