#pragma once
// Success criteria: what a change was meant to reach, from a YAML file, and whether it did (docs/reference/compare.md).
//   Met       the worse end of the interval reaches the target.
//   Partial   not met, but the improvement is significant.
//   Missed    neither: also when there are too few samples for an interval, or no row matches.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/compare/comparison.h"
#include "agent/config/config.h"
#include "poolscope/result.h"

namespace poolscope::compare {

struct Criterion {
  std::string name;             // empty: the pattern and the metric say it
  std::string benchmark = "*";  // glob on the name of the row; * matches / too
  std::string metric;
  std::optional<double> target_ratio;      // of new / base
  std::optional<double> target;            // of new, in the unit of the metric (seconds, bytes)
  Direction better = Direction::kUnknown;  // kUnknown: as the metric has it
};

// All errors of the text, not only the first.
[[nodiscard]] Result<std::vector<Criterion>, std::vector<config::ConfigError>> parse_criteria(std::string_view yaml,
                                                                                              const std::string& file);

enum class Status { kMet, kPartial, kMissed };
[[nodiscard]] const char* status_name(Status status);

struct JudgedRow {
  std::size_t row = 0;  // in Comparison::rows
  Status status = Status::kMissed;
  std::string why;  // empty: the interval says it
};

struct Judgement {
  Criterion criterion;
  Status status = Status::kMissed;  // the worst of its rows
  std::vector<JudgedRow> rows;      // empty: none matches
};

[[nodiscard]] std::vector<Judgement> judge(const Comparison& comparison, const std::vector<Criterion>& criteria);

}  // namespace poolscope::compare
