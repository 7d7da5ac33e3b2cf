#pragma once
// The Pools view: everything about one pool, and what it would do with other limits. Pure functions of the state.
//   What if   advice::what_if(), and so pools/sizing, decides; nothing is computed here.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/advice/what_if.h"
#include "ui/model/history.h"
#include "ui/model/plots.h"
#include "ui/model/viewer_state.h"

namespace poolscope::viewer {

struct PoolPanel {
  std::string name;
  std::string label;   // "*bytes.Buffer, library   go_sync_pool of shop"
  std::string advice;  // "max_idle_buffers 6 buffers → 16 buffers, saves 0.17 % of the CPU time"
  Tone advice_tone = Tone::kPlain;
  std::string why;      // of the advice
  std::string facts;    // what else is known of it
  std::string problem;  // "misses 65 % of its gets"
  TimePlot hit_ratio, rates, objects;
};

// nullopt: the snapshot that is shown has no such pool.
[[nodiscard]] std::optional<PoolPanel> make_pool_panel(const ViewerState& state, const Subject& subject);

// One line of what would be: "hit ratio", "35.1 %", "67.6 %".
struct WhatIfLine {
  std::string name;
  Cell now, then;
};
struct WhatIfPanel {
  BarPlot needed;    // markers: current, recommended, tried
  CurvePlot misses;  // the same
  std::vector<WhatIfLine> lines;
  std::string missing;  // what is not known, and why
};
// Ids of the markers that can be dragged, and names of the widgets: "pools.needed.buffer_bytes".
inline constexpr const char* kTriedBufferBytes = "buffer_bytes";
inline constexpr const char* kTriedIdleBuffers = "max_idle_buffers";

// `tried`: what the user has dragged to so far; what is absent is tried as it is now.
[[nodiscard]] WhatIfPanel make_what_if(const ViewerState& state, const Subject& subject, const advice::Limits& tried);

// A hosted pool, whose number of buffers an agent can change.
struct ResizeOffer {
  std::uint64_t buffers = 0;  // it has now
  std::string facts;          // "3 borrowed; at most 25 at a time of late"
  std::string why_not;        // why it cannot be changed from here; empty: it can
};
// nullopt: nobody but the service itself changes this pool.
[[nodiscard]] std::optional<ResizeOffer> resize_offer(const ViewerState& state, const Subject& subject, bool has_token);

}  // namespace poolscope::viewer
