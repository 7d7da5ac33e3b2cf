#pragma once
// Measurements as a test writes them.

#include <string>
#include <utility>
#include <vector>

#include "agent/compare/measurements.h"

namespace poolscope::compare::testing {

inline Series series(const std::string& name, const std::string& metric, std::vector<double> samples,
                     std::map<std::string, std::string> config = {}) {
  return {name, std::move(config), metric_named(metric), std::move(samples), std::nullopt};
}

inline Measurements side(std::vector<Series> all, SourceKind kind = SourceKind::kGoBenchmark) {
  return {kind, "side.txt", std::move(all), {}};
}

// `count` samples around `middle`, all different, within 2 %.
inline std::vector<double> around(double middle, std::size_t count = 10) {
  std::vector<double> samples;
  for (std::size_t i = 0; i < count; ++i) {
    const double step = static_cast<double>(i) - (static_cast<double>(count) - 1) / 2;
    samples.push_back(middle * (1 + 0.02 * step / static_cast<double>(count)));
  }
  return samples;
}

}  // namespace poolscope::compare::testing
