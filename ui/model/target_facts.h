#pragma once
// What views of one target have in common: which target they are of, its quantities as short facts, and why something was not measured.
//   Absent    a fact that was not measured has "–" for a value, and the reason in its tooltip.
//   Threads   pure functions.

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "exporters/model/snapshot.h"
#include "exporters/text/wording.h"
#include "ui/model/table.h"
#include "ui/model/viewer_state.h"

namespace poolscope::viewer {

// The target of `state.selected`, else the first one; nullptr: there is none.
[[nodiscard]] const model::TargetSnapshot* chosen_target(const ViewerState& state);
// Chooses the one `steps` further on in the list, around its ends.
void choose_next_target(ViewerState& state, int steps);

// "not measured: alloc_bursts is unavailable: ...".
[[nodiscard]] std::string why_not_measured(const model::TargetSnapshot& target, const std::string& collector);

// One quantity, to be read at a glance.
struct Fact {
  std::string name;  // "allocations"
  Cell value;        // "688 k/s"
  std::string note;  // its interval, or what it means; may be empty
};
[[nodiscard]] std::vector<Fact> facts_of(const std::vector<text::Quantity>& quantities);
[[nodiscard]] Fact fact_of(std::string name, Cell value, std::string note);

// The samples of a counter that lie 5 s apart or more: over less, one more or less makes most of its rate.
[[nodiscard]] Series spaced(const Series& totals);

// Shares of a whole by classes, for horizontal bars.
struct ShareRow {
  std::string label;  // "16 – 32 B"
  double share = 0;   // 0..1
  std::string tooltip;
};
struct ShareBars {
  std::string id, title;
  std::string summary;  // "p50 25 B   p95 287 B"
  std::vector<ShareRow> rows;
  std::string absent;  // why there are no rows
};

// "redis-server", "redis-server #2": names for rows, each of them once.
class UniqueIds {
 public:
  [[nodiscard]] std::string operator()(const std::string& name);

 private:
  std::unordered_map<std::string, unsigned> seen_;
};

}  // namespace poolscope::viewer
