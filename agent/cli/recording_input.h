#pragma once
// Recordings as a snapshot of a time range, or of one after the other.

#include <chrono>
#include <string>
#include <vector>

#include "exporters/model/snapshot.h"
#include "exporters/model/time_point.h"
#include "poolscope/result.h"

namespace poolscope::cli {

// `end` of relative times is the end of the recording. What is missing of the file is told on stderr. The error names the file, the cause and
// the way out.
// Several files are read as one recording (agent/client/recordings.h).
[[nodiscard]] Result<model::Snapshot, std::string> load_recordings(const std::vector<std::string>& paths,
                                                                   const model::TimeSpan& span);

// One snapshot for each whole piece of that length from the beginning on, at most `max_pieces`. Pieces in which the agent made none are left
// out. Several files: as above.
[[nodiscard]] Result<std::vector<model::Snapshot>, std::string> load_pieces(const std::vector<std::string>& paths,
                                                                            std::chrono::nanoseconds piece,
                                                                            std::size_t max_pieces);

}  // namespace poolscope::cli
