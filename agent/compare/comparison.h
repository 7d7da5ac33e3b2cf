#pragma once
// compare(): two sides of measurements -> what differs, by how much, and how sure that is. Pure.
//   Rows      a row is a metric of a benchmark that both sides have. What only one has is listed by name.
//   Names     parts of the configuration that vary within a side ("pkg" of several packages) become part of the name; those that differ
//             between the sides are a remark: like is not compared with like.
//   Finding   a difference is significant when its p, corrected by Holm over all rows that could be significant, is at most kAlpha.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/compare/measurements.h"
#include "agent/compare/statistics.h"
#include "poolscope/result.h"

namespace poolscope::compare {

struct Side {
  std::size_t samples = 0;  // 0: an estimate
  double value = 0;         // median of the samples, or the estimate
  std::optional<Interval> interval;
};

enum class Finding {
  kUntested,  // `untested` says why
  kNone,      // "~"
  kBetter,
  kWorse,
  kDifferent,  // it is not known which is better
};
[[nodiscard]] const char* finding_name(Finding finding);

enum class Untested { kAllEqual, kTooFewSamples, kNoInterval };

struct Row {
  std::string name;
  Metric metric;
  Side base, fresh;
  std::optional<double> ratio;  // new / base; absent when base is 0 and new is not, or one is negative
  std::optional<Interval> ratio_interval;
  std::optional<double> p, p_holm;  // absent: untested
  Finding finding = Finding::kNone;
  Untested untested = Untested::kAllEqual;
  bool neighbours_alike = false;  // samples of a recording that are not independent
};

struct GeometricMean {
  std::string metric;
  double ratio = 1;
  std::size_t rows = 0;      // that it is of
  std::size_t left_out = 0;  // rows whose ratio is absent or 0
};

struct Comparison {
  SourceKind kind = SourceKind::kReport;
  std::string base, fresh;                         // the sources
  std::vector<Row> rows;                           // metric by metric, in the order of base
  std::vector<GeometricMean> means;                // of metrics with two rows or more
  std::vector<std::string> only_base, only_fresh;  // "NAME METRIC"
  std::vector<std::string> remarks;
  std::size_t tested_rows = 0;
};

// Rows of base and new that have different names for the same thing.
using Pair = std::pair<std::string, std::string>;

// Fails when the two are of different kinds, a pair names what is not there, or no metric is in both.
[[nodiscard]] Result<Comparison, std::string> compare(Measurements base, Measurements fresh,
                                                      const std::vector<Pair>& pairs = {});

}  // namespace poolscope::compare
