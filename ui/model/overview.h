#pragma once
// The first screen: how targets do, and what to do; its list of pools is that of pool_list.h. Pure functions of the state.

#include <cstddef>
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
  std::vector<Spark> sparks;  // allocations, churn, GC CPU of Go programs, memory CPU, measuring: its cost
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
  std::vector<AdviceCard> advice;  // what is broken first, then what saves most; kMostCards at most
  std::size_t left_out = 0;        // of the advice
  std::vector<std::string> rest;   // "as they are: a, b"
};
inline constexpr std::size_t kMostCards = 12;

[[nodiscard]] Overview make_overview(const ViewerState& state);
// `target`: of the snapshot that is shown.
[[nodiscard]] TargetTile make_tile(const ViewerState& state, const model::TargetSnapshot& target);

}  // namespace poolscope::viewer
