#pragma once
// Text of `go test -bench`, in the format that benchstat reads (golang.org/design/14313-benchmark-format):
//   BenchmarkEncode/format=json-8   690848   1726 ns/op   36.16 MB/s   512 B/op   3 allocs/op
//   Results     a name, the iterations, then pairs of value and unit. Results with the same name are samples. "Benchmark" is no part of the
//               name; "-8" (GOMAXPROCS) and "/key=value" are.
//   Config      "key: value" holds for the results after it; a key begins with a lower case letter and has neither blanks nor upper case.
//   Unit        "Unit NAME better=higher" (or lower) says which is better; other keys are ignored.
//   Others      lines are ignored, as is a name without anything behind it (go test -v).
//   Units       ns become seconds ("ns/op" is "sec/op"), MB/s become B/s, as benchstat has them.

#include <string>
#include <string_view>

#include "agent/compare/measurements.h"
#include "agent/compare/read_error.h"
#include "poolscope/result.h"

namespace poolscope::compare {

// Text without any result is an error, too.
[[nodiscard]] Result<Measurements, ReadError> read_go_benchmark(std::string_view text, const std::string& source);

}  // namespace poolscope::compare
