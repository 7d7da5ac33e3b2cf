#pragma once
// Facts side by side, and shares as horizontal bars.

#include <string_view>
#include <vector>

#include "ui/draw/frame.h"
#include "ui/model/target_facts.h"

namespace poolscope::viewer {

// As many in a line as fit. Widgets "PREFIX.fact.NAME".
void draw_facts(Frame& frame, std::string_view prefix, const std::vector<Fact>& facts);

// Title, summary, a bar for each row with its share; why there are none instead. Widget: its id.
void draw_share_bars(Frame& frame, const ShareBars& bars, ImVec2 size);

}  // namespace poolscope::viewer
