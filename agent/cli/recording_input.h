#pragma once
// A recording as a snapshot of a time range.

#include <string>

#include "exporters/model/snapshot.h"
#include "exporters/model/time_point.h"
#include "poolscope/result.h"

namespace poolscope::cli {

// `end` of relative times is the end of the recording. What is missing of the file is told on stderr. The error names the file, the cause and
// the way out.
[[nodiscard]] Result<model::Snapshot, std::string> load_recording(const std::string& path, const model::TimeSpan& span);

}  // namespace poolscope::cli
