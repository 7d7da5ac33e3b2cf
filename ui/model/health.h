#pragma once
// The view of health: what measuring one target costs, whether it stays within the budget, and what is lost or still missing. A pure function of the
// state.

#include <string>
#include <vector>

#include "ui/model/plots.h"
#include "ui/model/table.h"
#include "ui/model/target_facts.h"
#include "ui/model/viewer_state.h"

namespace poolscope::viewer {

// Something that is used, of something that is allowed.
struct Gauge {
  std::string id, title;
  std::optional<double> used, allowed;  // shares; a gauge without one of them says why
  std::string text;                     // "0.35 % of the target's CPU, 1 % allowed"
  Tone tone = Tone::kPlain;
  std::string absent;
};

struct Health {
  std::string headline;
  Tone headline_tone = Tone::kGood;
  std::vector<Gauge> gauges;
  std::vector<Fact> facts;
  TimePlot charge, bursts, dropped, own;
  std::vector<Row> collectors, losses;
  std::string losses_note;  // why there are none
};

[[nodiscard]] Health make_health(const ViewerState& state);
// Their rows are those of make_health().
[[nodiscard]] Table make_collector_table();
[[nodiscard]] Table make_loss_table();

}  // namespace poolscope::viewer
