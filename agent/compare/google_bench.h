#pragma once
// JSON of Google Benchmark (--benchmark_out=FILE --benchmark_out_format=json, or --benchmark_format=json).
//   Samples     the repetitions of a benchmark (--benchmark_repetitions=N). Aggregates (mean, median, stddev, cv) and complexities are
//               ignored: what poolscope says is computed from the repetitions.
//   Metrics     real_time and cpu_time, in seconds whatever time_unit says, and every number that is not bookkeeping: items_per_second,
//               bytes_per_second, counters of the user.
//   Failed      benchmarks (error_occurred, skipped) are left out, a remark tells it.

#include <optional>
#include <string>
#include <string_view>

#include "agent/compare/measurements.h"
#include "agent/compare/read_error.h"
#include "poolscope/result.h"

namespace poolscope::compare {

// What is wrong with `text` as JSON, or too much of it, whatever it holds.
[[nodiscard]] std::optional<ReadError> check_json(std::string_view text, const std::string& source);
// True for JSON that has "benchmarks" at its top.
[[nodiscard]] bool looks_like_google_benchmark(std::string_view text);
[[nodiscard]] Result<Measurements, ReadError> read_google_benchmark(std::string_view text, const std::string& source);

}  // namespace poolscope::compare
