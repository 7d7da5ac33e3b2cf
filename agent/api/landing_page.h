#pragma once
// The status page: a Snapshot as plain HTML that reloads itself, without script. Pure.
//   Foreign   process names, symbols and reasons come from the targets and are escaped.
//   Absent    what was not measured says why, in the words of the collector that would give it.

#include <optional>
#include <string>
#include <string_view>

#include "exporters/model/snapshot.h"

namespace poolscope::api {

// `snapshot` may be null; `waiting_for` is what the agent still waits for, absent when it is ready.
[[nodiscard]] std::string landing_page(const model::Snapshot* snapshot, const std::optional<std::string>& waiting_for);

// `text` for HTML content and quoted attributes.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace poolscope::api
