#pragma once
// Measurements: what one side of a comparison holds, wherever it came from. Every metric of every benchmark (or target, or pool) is a
// Series, which has samples that are nearly independent of each other, or one estimate with its interval.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/compare/unit.h"
#include "exporters/model/snapshot.h"

namespace poolscope::compare {

// More are refused: the work of a comparison grows with the square of the samples.
inline constexpr std::size_t kMaxSamples = 2'000;  // of one series
inline constexpr std::size_t kMaxSeries = 20'000;

struct Series {
  std::string name;                           // "Encode/format=json-8", "redis-server", "shop pool main.pageBuffers"
  std::map<std::string, std::string> config;  // what else was told of the run: "pkg", "cpu"
  Metric metric;
  std::vector<double> samples;  // in the order of time
  std::optional<model::Estimate> estimate;
  bool operator==(const Series&) const = default;
};

enum class SourceKind { kGoBenchmark, kGoogleBenchmark, kRecording, kReport };
[[nodiscard]] const char* kind_name(SourceKind kind);

struct Measurements {
  SourceKind kind = SourceKind::kReport;
  std::string source;  // file or URL
  std::vector<Series> series;
  std::vector<std::string> remarks;  // what a reader has to know of this side
  bool operator==(const Measurements&) const = default;
};

}  // namespace poolscope::compare
