#include "agent/estimate/intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace poolscope::estimate {
namespace {
constexpr double kNormal975 = 1.959963984540054;
}

// Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.5.
double student_t_975(unsigned degrees_of_freedom) {
  const double n = std::max(degrees_of_freedom, 1u);
  const double z = kNormal975, z2 = z * z;
  const double g1 = z * (z2 + 1) / 4;
  const double g2 = z * ((5 * z2 + 16) * z2 + 3) / 96;
  const double g3 = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
  const double g4 = z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160;
  return z + (g1 + (g2 + (g3 + g4 / n) / n) / n) / n;
}

Limits wilson(double share, double count) {
  if (count <= 0) return {0, 1};
  const double z2 = kNormal975 * kNormal975;
  const double centre = share + z2 / (2 * count);
  const double half = kNormal975 * std::sqrt(share * (1 - share) / count + z2 / (4 * count * count));
  const double scale = 1 + z2 / count;
  return {std::max(0.0, (centre - half) / scale), std::min(1.0, (centre + half) / scale)};
}

double width(const model::MaybeEstimate& estimate) {
  const bool has_interval = estimate && estimate->low && estimate->high;
  return has_interval ? *estimate->high - *estimate->low : std::numeric_limits<double>::infinity();
}

double relative_width(const model::MaybeEstimate& estimate) {
  return estimate && estimate->value > 0 ? width(estimate) / estimate->value : std::numeric_limits<double>::infinity();
}

std::size_t bootstrap_tail(std::size_t replicates, std::size_t units) {
  if (units < 2) return 0;
  const double n = static_cast<double>(units);
  const double deviations = std::sqrt(n / (n - 1)) * student_t_975(static_cast<unsigned>(units - 1));
  return static_cast<std::size_t>(std::erfc(deviations / std::numbers::sqrt2) / 2 * static_cast<double>(replicates));
}

}  // namespace poolscope::estimate
