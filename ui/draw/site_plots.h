#pragma once
// Plots of call sites: by size and lifetime, and by callers. What was clicked is returned: a Row::id of the table of sites.

#include <optional>
#include <string>

#include "ui/draw/frame.h"
#include "ui/model/churn.h"

namespace poolscope::viewer {

// Widget "churn.map".
[[nodiscard]] std::optional<std::string> draw_site_map(Frame& frame, const SiteMap& map, const std::string& chosen,
                                                       ImVec2 size);
// Widget "churn.icicle".
[[nodiscard]] std::optional<std::string> draw_icicle(Frame& frame, const Icicle& icicle, const std::string& chosen,
                                                     ImVec2 size);

}  // namespace poolscope::viewer
