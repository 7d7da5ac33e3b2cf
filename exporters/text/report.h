#pragma once
// A Snapshot as text for people: the report of `run`, `attach` and `report`, and the tables of `top`. Pure functions.

#include <string>

#include "exporters/model/snapshot.h"

namespace poolscope::text {

struct Style {
  bool colour = false;
  unsigned width_columns = 100;
};

// The full report: per target the rates with intervals, sizes, lifetimes, churn, garbage collection, call sites, growth
// chains, pools, collectors and what measuring cost. What was not measured says why.
[[nodiscard]] std::string report_text(const model::Snapshot& snapshot, const Style& style);
// The same for a ticket or a pull request.
[[nodiscard]] std::string report_markdown(const model::Snapshot& snapshot);
// The advice of all targets with everything that is told of each, for the same.
[[nodiscard]] std::string advice_markdown(const model::Snapshot& snapshot);
// One screen: a line per target, the top call sites and the busiest pools, for `poolscope top`. At most `height_lines` lines.
[[nodiscard]] std::string top_screen(const model::Snapshot& snapshot, const Style& style, unsigned height_lines);

// 1 234 567 -> "1.23 M"; 1536 bytes -> "1.5 KiB"; 0.00012 s -> "120 µs"; 0.123 -> "12.3 %".
[[nodiscard]] std::string format_count(double count);
[[nodiscard]] std::string format_bytes(double bytes);
[[nodiscard]] std::string format_seconds(double seconds);
[[nodiscard]] std::string format_ratio(double ratio);

}  // namespace poolscope::text
