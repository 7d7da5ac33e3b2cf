#pragma once
// Estimate: a value of a snapshot that was not counted in full.

#include <optional>

namespace poolscope::model {

// A value with its 95 % interval; low and high are absent when there were too few bursts to know.
struct Estimate {
  double value = 0;
  std::optional<double> low;
  std::optional<double> high;
  bool operator==(const Estimate&) const = default;
};
using MaybeEstimate = std::optional<Estimate>;

}  // namespace poolscope::model
