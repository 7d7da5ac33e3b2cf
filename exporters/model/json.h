#pragma once
// Snapshot <-> JSON, the one schema of report, API and recording (docs/reference/snapshot.md).
//   Absent    a part that was not measured has no member; a number that is not finite counts as not measured.
//             Estimates are {"value", "low", "high"}, the last two optional.
//   Bytes     that are no UTF-8 (names of processes, symbols) are written as U+FFFD.
//   Reading   unknown members are ignored (newer minor versions add some); a missing or wrong-typed required
//             member, a schema_version that is not ours, and text deeper or longer than the limits
//             (json_limits.h) give an error that names the path. Nothing is thrown.

#include <string>
#include <string_view>

#include "exporters/model/snapshot.h"
#include "poolscope/result.h"

namespace poolscope::model {

struct JsonError {
  std::string path;  // "/targets/0/allocations/per_second"
  std::string detail;
};
[[nodiscard]] std::string describe(const JsonError& error);

// One line; `indent` > 0 pretty-prints.
[[nodiscard]] std::string to_json(const Snapshot& snapshot, int indent = 0);
[[nodiscard]] Result<Snapshot, JsonError> snapshot_from_json(std::string_view text);

}  // namespace poolscope::model
