#pragma once
// The view of advice: all that was advised, one of it with everything it follows from, and what became of what was followed. A pure function of the
// state.
//   Copy      texts for the clipboard are made of printable text only. A line of code or configuration is there where the advice is a number that
//             can be written down.

#include <optional>
#include <string>
#include <vector>

#include "ui/model/table.h"
#include "ui/model/target_facts.h"
#include "ui/model/viewer_state.h"

namespace poolscope::viewer {

// An expected effect with its interval, on an axis from 0 or below to `end`.
struct EffectBar {
  double low = 0, value = 0, high = 0;
  std::string tooltip;
};

struct AdviceDetail {
  std::string id;  // Row::id
  Subject subject;
  std::string heading, action, gain, why, confidence;  // may be empty
  Tone tone = Tone::kPlain;
  std::optional<EffectBar> effect;
  std::vector<Fact> facts;
  std::vector<Row> evidence;
  std::vector<std::string> alternatives, reevaluate_when;
  std::string as_text, as_code, as_configuration;  // empty: there is none
};

struct AdvicePage {
  std::vector<Row> rows;
  std::vector<AdviceDetail> details;  // of the rows
  std::vector<Row> outcomes;
  std::string note;           // how many there are; why there is none
  std::string outcomes_note;  // why there are none
};

[[nodiscard]] AdvicePage make_advice_page(const ViewerState& state);
[[nodiscard]] Table make_advice_table();
[[nodiscard]] Table make_evidence_table();
[[nodiscard]] Table make_outcome_table();

}  // namespace poolscope::viewer
