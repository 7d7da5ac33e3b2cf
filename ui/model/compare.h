#pragma once
// The view that compares: BASE against NEW, metric by metric, each with its interval. A pure function of two moments; the statistics are those of
// agent/compare.
//   Sure      "~" where the intervals do not tell the two apart, "?" where one has no interval, "=" where all are equal.
//   Moments   of one agent should not share time: what they share makes them alike.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/compare/comparison.h"
#include "ui/model/history.h"
#include "ui/model/table.h"
#include "ui/model/time_axis.h"
#include "ui/model/viewer_state.h"

namespace poolscope::viewer {

// A snapshot to compare, and what it is of.
struct Moment {
  SharedSnapshot snapshot;
  std::string label;     // where it comes from
  std::string of_time;   // "2026-11-21 14:40:00 UTC, 5 min"
  std::uint64_t id = 0;  // of no two moments the same
};

// What is shown now; nothing when nothing is.
[[nodiscard]] std::optional<Moment> moment_of(const ViewerState& state);

struct ComparePage {
  std::string absent;    // why nothing is compared; empty: there are rows
  std::string headline;  // "2 better, 1 worse, 14 not told apart, 3 not tested"
  Tone headline_tone = Tone::kPlain;
  std::string warning;             // they share time, or are of different agents; may be empty
  std::vector<compare::Row> rows;  // what matters most first
  std::vector<std::string> ids;    // Row::id of each
  std::vector<std::string> notes;
};

// Of large snapshots it takes a good part of a second.
[[nodiscard]] ComparePage make_compare_page(const std::optional<Moment>& base, const std::optional<Moment>& fresh,
                                            bool only_differences);
namespace compare_columns {
enum : std::size_t { kName, kMetric, kBase, kNew, kChange, kInterval, kP, kFinding };
}
[[nodiscard]] RowMaker compare_rows(std::shared_ptr<const ComparePage> page);
[[nodiscard]] Table make_compare_table();

}  // namespace poolscope::viewer
