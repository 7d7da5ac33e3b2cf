#pragma once
// SeriesTable: finds the series that a sample belongs to while a file is read, and keeps to the limits.

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "agent/compare/measurements.h"

namespace poolscope::compare {

class SeriesTable {
 public:
  // The error says which limit the sample is beyond.
  [[nodiscard]] std::optional<std::string> add(const std::string& name,
                                               const std::map<std::string, std::string>& config, const Metric& metric,
                                               double sample);
  [[nodiscard]] std::vector<Series> take() { return std::move(series_); }

 private:
  std::vector<Series> series_;  // in the order in which they came
  std::map<std::tuple<std::string, std::map<std::string, std::string>, std::string>, std::size_t> places_;
};

}  // namespace poolscope::compare
