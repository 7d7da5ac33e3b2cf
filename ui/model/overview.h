#pragma once
// The first screen: which targets there are and how they do, which pools would gain most, and what to do. A pure function of the state.

#include <array>
#include <string>
#include <vector>

#include "ui/model/history.h"
#include "ui/model/table.h"
#include "ui/model/viewer_state.h"
#include "ui/model/wording.h"

namespace poolscope::viewer {

// One quantity of a target, now and over time.
struct Spark {
  std::string name;  // "allocations"
  Cell now;          // "688 k/s"; why it is absent in its tooltip
  Series series;     // empty where it never was measured
  Unit unit = Unit::kCount;
  std::string per;
};

struct TargetTile {
  std::string name;
  std::string identity;  // "native, jemalloc, 1 process (pid 4711)"
  std::string state;     // "collecting", or what keeps it from that
  Tone tone = Tone::kPlain;
  std::vector<Spark> sparks;  // allocations, churn, collections, CPU on memory, cost of measuring
};

// One advice that asks for something.
struct AdviceCard {
  Subject subject;
  std::string action, gain, why;  // "max_idle_buffers 4 → 48"; may be empty; in full
  Tone tone = Tone::kPlain;
  double saved_cores = 0;  // what it is sorted by
};

struct Overview {
  std::string headline;  // the answer in one sentence
  Tone headline_tone = Tone::kPlain;
  std::vector<TargetTile> targets;
  std::vector<AdviceCard> advice;
  std::vector<std::string> rest;  // "as they are: a, b"
};

[[nodiscard]] Overview make_overview(const ViewerState& state);

// Columns of the table of pools by what they would gain, and its rows: what gains most first, then by gets.
namespace pool_columns {
enum : std::size_t { kPool, kTarget, kGets, kHitRatio, kMisses, kIdle, kGain, kCount };
}
[[nodiscard]] Table make_pool_table();
struct PoolList {
  std::vector<Row> rows;
  std::vector<Subject> subjects;  // of the rows
};
[[nodiscard]] PoolList list_pools(const ViewerState& state);
// What Row::id of a pool is, and the name of its row for scripts.
[[nodiscard]] std::string pool_id(const Subject& subject);

// In cores: what the advice on a pool or a call site saves; 0 where none is given, or it asks for nothing.
[[nodiscard]] double saved_cores(const model::TargetSnapshot& target, const model::Advice& advice);
// The advice of the newest snapshot holds for what is there now; a range has its own where it was asked for.
[[nodiscard]] const model::TargetSnapshot* advised_target(const ViewerState& state, const std::string& name);

}  // namespace poolscope::viewer
