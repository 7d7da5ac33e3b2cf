#pragma once
// The Kaplan-Meier curve on the log-linear buckets of poolscope/log_linear.h: what share of objects has died by an age,
// when some were still alive the last time anybody looked.
//   Ties      in a bucket, deaths come before censorings: an object last seen alive in it was at risk of dying in it.
//   Within    a bucket the share rises linearly.
//   Beyond    the last age seen the curve is flat; the caller knows up to which age it is identified.

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "poolscope/log_linear.h"

namespace poolscope::estimate {

using BucketWeights = std::array<double, PS_LOG_LINEAR_BUCKETS>;

class SurvivalCurve {
 public:
  // Weights per bucket of age at death and of age when last seen alive.
  SurvivalCurve(const BucketWeights& died, const BucketWeights& alive);

  // Share (0..1) that died at an age of at most `age_ns`.
  [[nodiscard]] double died_by(std::uint64_t age_ns) const;
  // Age at which `share` has died; nothing when the curve does not get there.
  [[nodiscard]] std::optional<double> age_ns(double share) const;
  [[nodiscard]] double died_by_end_of(unsigned bucket) const { return died_by_end_[bucket]; }

 private:
  std::array<double, PS_LOG_LINEAR_BUCKETS> died_by_end_{};
};

}  // namespace poolscope::estimate
