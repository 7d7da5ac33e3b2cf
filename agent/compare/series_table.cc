#include "agent/compare/series_table.h"

namespace poolscope::compare {

std::optional<std::string> SeriesTable::add(const std::string& name, const std::map<std::string, std::string>& config,
                                            const Metric& metric, double sample) {
  const auto [place, is_new] = places_.try_emplace({name, config, metric.name}, series_.size());
  if (is_new) {
    if (series_.size() == kMaxSeries) return "more than " + std::to_string(kMaxSeries) + " metrics of benchmarks";
    series_.push_back({name, config, metric, {}, std::nullopt});
  }
  auto& samples = series_[place->second].samples;
  if (samples.size() == kMaxSamples) return "more than " + std::to_string(kMaxSamples) + " samples of " + name;
  samples.push_back(sample);
  return std::nullopt;
}

}  // namespace poolscope::compare
