#pragma once
// The one way in which commands read a snapshot.

#include <string>

#include "exporters/model/snapshot.h"
#include "exporters/model/time_point.h"
#include "poolscope/result.h"

namespace poolscope::cli {

// `source` is a JSON report, a recording or a folder of them, "-" for a report on stdin, or the URL of an agent (http:// or https://). `span` is for
// recordings and agents. Shows progress while it waits. The
// error names the source, the cause and the way out.
[[nodiscard]] Result<model::Snapshot, std::string> load_snapshot(const std::string& source,
                                                                 const model::TimeSpan& span = {});

// `text` came from `source`.
[[nodiscard]] Result<model::Snapshot, std::string> parse_snapshot(std::string_view text, const std::string& source);

}  // namespace poolscope::cli
