#pragma once
// The one way in which commands read a snapshot.

#include <string>

#include "exporters/model/snapshot.h"
#include "poolscope/result.h"

namespace poolscope::cli {

// `source` is a file, "-" for stdin, or the URL of an agent (http:// or https://). Shows progress while it waits. The
// error names the source, the cause and the way out.
[[nodiscard]] Result<model::Snapshot, std::string> load_snapshot(const std::string& source);

// `text` came from `source`.
[[nodiscard]] Result<model::Snapshot, std::string> parse_snapshot(std::string_view text, const std::string& source);

}  // namespace poolscope::cli
