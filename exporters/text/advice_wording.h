#pragma once
// How the reports speak of advice, the same in text, markdown and `advise`. Strings are printable() already.

#include <string>
#include <vector>

#include "exporters/model/snapshot.h"
#include "exporters/text/line.h"

namespace poolscope::text {

// Whether there is something to do: not `keep` and not `wait`.
[[nodiscard]] bool asks_for_something(const model::Advice& advice);
// "buffer_bytes 64 KiB → 8 KiB", "drop the pool".
[[nodiscard]] std::string advice_action(const model::Advice& advice);
// "saves 0.8 % of the CPU time (0.5 % – 1.1 %) and 5.5 MiB"; empty where nothing is told or nothing is to be done.
[[nodiscard]] std::string advice_gain(const model::Advice& advice);
// "frames: max_idle_buffers 4 → 48 at 2026-11-21 10:40:07 UTC: saved 53 % (51 % – 55 %) of the CPU time per get, predicted 31 % (1.4 % – 60 %);
// hit ratio 99.9 %, predicted 100 %".
[[nodiscard]] std::string outcome_text(const model::AdviceOutcome& outcome);

// Why a target has no advice.
[[nodiscard]] const char* no_advice();
// Everything of one advice: what to do, what it gains, why, what else there is, when to look again.
[[nodiscard]] Lines advice_lines(const model::Advice& advice, unsigned width);
// The section of a report: what asks for something, what may stay as it is by name, and what became of what was followed. Empty: there is none.
[[nodiscard]] Lines advice_section(const model::TargetSnapshot& target, unsigned width, std::size_t max_advice);
// "as they are: a, b" and "too early to tell: c"; without a line where there is none.
[[nodiscard]] std::vector<std::string> advice_by_name(const model::TargetSnapshot& target);

}  // namespace poolscope::text
