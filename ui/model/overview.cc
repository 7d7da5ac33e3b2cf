#include "ui/model/overview.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "exporters/text/advice_wording.h"
#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "exporters/text/pool_wording.h"
#include "exporters/text/report.h"
#include "exporters/text/wording.h"
#include "ui/model/target_facts.h"

namespace poolscope::viewer {
namespace {

using model::MaybeEstimate;
using model::TargetSnapshot;
using model::Verdict;

constexpr double kWorthSayingCores = 1e-4;

MaybeEstimate allocation_rate(const TargetSnapshot& target) {
  if (target.allocations.per_second) return target.allocations.per_second;
  return target.gc ? as_estimate(target.gc->allocated_objects_per_second) : std::nullopt;
}

MaybeEstimate churn_ratio(const TargetSnapshot& target) {
  if (target.allocations.churn_ratio) return target.allocations.churn_ratio;
  return target.gc ? as_estimate(target.gc->churn_ratio) : std::nullopt;
}

MaybeEstimate gc_cpu_ratio(const TargetSnapshot& target) {
  return target.gc ? as_estimate(target.gc->cpu_ratio) : std::nullopt;
}

MaybeEstimate memory_cpu_ratio(const TargetSnapshot& target) {
  return target.cpu_share ? target.cpu_share->total : std::nullopt;
}

MaybeEstimate charged_ratio(const TargetSnapshot& target) {
  return as_estimate(target.cost.charged_cpu_ratio);
}

bool is_go(const TargetSnapshot& target) {
  return target.runtime == "go";
}

struct SparkKind {
  const char* name;
  MaybeEstimate (*value)(const TargetSnapshot&);
  Unit unit;
  const char* per;
  const char* collector;
};

std::vector<SparkKind> kinds_for(const TargetSnapshot& target) {
  const char* heap = is_go(target) ? "go_runtime" : "alloc_bursts";
  std::vector<SparkKind> kinds = {{"allocations", allocation_rate, Unit::kCount, "/s", heap},
                                  {"churn", churn_ratio, Unit::kRatio, "", is_go(target) ? heap : "alloc_cohorts"}};
  if (is_go(target)) kinds.push_back({"CPU of collections", gc_cpu_ratio, Unit::kRatio, "", "go_runtime"});
  kinds.push_back({"CPU on memory", memory_cpu_ratio, Unit::kRatio, "", "cpu_share"});
  kinds.push_back({"cost of measuring", charged_ratio, Unit::kRatio, "", heap});
  return kinds;
}

TargetTile tile_of(const ViewerState& state, const TargetSnapshot& target) {
  TargetTile tile{text::printable(target.name), text::identity(target), "", Tone::kGood, {}};
  const auto worst = std::ranges::max_element(target.collectors, {}, &model::CollectorStatus::state);
  if (text::was_measured(target)) {
    tile.state = "measured";
  } else if (worst == target.collectors.end()) {
    tile.state = "no collector";
    tile.tone = Tone::kWarning;
  } else {
    tile.state = text::why_nothing(target);
    tile.tone = worst->state == model::CollectorState::kUnavailable ? Tone::kBad : Tone::kWarning;
  }
  for (const SparkKind& kind : kinds_for(target)) {
    tile.sparks.push_back({kind.name,
                           cell_of(kind.value(target), kind.unit, kind.per, why_not_measured(target, kind.collector)),
                           series_of(state.history(), target.name, OfTarget(kind.value)), kind.unit, kind.per});
  }
  return tile;
}

Tone tone_of(const model::Advice& advice) {
  return advice.verdict == Verdict::kFix ? Tone::kBad : Tone::kWarning;
}

void add_advice(Overview& overview, const TargetSnapshot& target) {
  for (const model::Advice& advice : target.advice) {
    if (!text::asks_for_something(advice)) continue;
    overview.advice.push_back({{target.name, advice.subject},
                               text::advice_action(advice),
                               text::advice_gain(advice),
                               text::printable(advice.why),
                               tone_of(advice),
                               saved_cores(target, advice)});
  }
  const auto names = text::advice_by_name(target);
  overview.rest.insert(overview.rest.end(), names.begin(), names.end());
}

// What is wrong, and what changing it saves.
void say_headline(Overview& overview, const ViewerState& state) {
  const std::size_t count = overview.advice.size();
  if (state.shown() == nullptr) return;
  if (count == 0) {
    const auto& targets = state.shown()->targets;
    const auto waits = [&](const TargetSnapshot& target) {
      const auto* advised = advised_target(state, target.name);
      return advised != nullptr && std::ranges::count(advised->advice, Verdict::kWait, &model::Advice::verdict) > 0;
    };
    const bool is_early = std::ranges::any_of(targets, waits);
    const bool any = std::ranges::any_of(targets, text::was_measured);
    overview.headline = is_early ? "Too early to tell." : any ? "Nothing to change." : "Nothing is measured yet.";
    overview.headline_tone = any && !is_early ? Tone::kGood : Tone::kDim;
    return;
  }
  double cores = 0;
  for (const AdviceCard& card : overview.advice) cores += card.saved_cores;
  overview.headline = text::format_exact(count) + (count == 1 ? " thing" : " things") + " to change";
  if (cores >= kWorthSayingCores) overview.headline += ": saves up to " + text::format_ratio(cores) + " of a core";
  overview.headline += ".";
  overview.headline_tone = Tone::kWarning;
}

std::string why_no_gain(const TargetSnapshot* target, const model::PoolSummary& pool) {
  if (target == nullptr) return "no advice was given";
  for (const model::Advice& advice : target->advice)
    if (advice.subject == pool.name) return text::printable(advice.why);
  return "no advice was given for this pool";
}

// The most that one advice on the pool saves.
Cell gain_cell(const TargetSnapshot* target, const model::PoolSummary& pool) {
  const model::Advice* best = nullptr;
  if (target != nullptr) {
    for (const model::Advice& advice : target->advice) {
      if (advice.subject != pool.name || !text::asks_for_something(advice)) continue;
      if (best == nullptr || saved_cores(*target, advice) > saved_cores(*target, *best)) best = &advice;
    }
  }
  if (best == nullptr) return {"–", why_no_gain(target, pool), {}, Tone::kDim};
  const std::string gain = text::advice_gain(*best);
  std::string shown = text::advice_action(*best);
  return {shown, shown + (gain.empty() ? "" : ": " + gain) + "\n" + text::printable(best->why),
          saved_cores(*target, *best), tone_of(*best)};
}

Row pool_row(const TargetSnapshot& target, const model::PoolSummary& pool, const TargetSnapshot* advised) {
  const std::string unseen = "no burst saw it used";
  Row row{pool_id({target.name, pool.name}), {}};
  const std::string label = text::pool_label(pool);
  row.cells.push_back(
      {text::printable(pool.name), label.empty() ? pool.kind : label + "\n" + pool.kind, {}, Tone::kPlain});
  row.cells.push_back({text::printable(target.name), text::identity(target), {}, Tone::kDim});
  row.cells.push_back(cell_of(pool.gets_per_second, Unit::kCount, "/s", unseen));
  row.cells.push_back(cell_of(pool.hit_ratio, Unit::kRatio, "", unseen));
  const std::string said = text::remarkable(pool, target.exact);
  if (!said.empty()) {
    row.cells.back().tone = Tone::kWarning;
    row.cells.back().tooltip += "\n" + said;
  }
  row.cells.push_back(cell_of(pool.misses_per_second, Unit::kCount, "/s", "nothing tells a miss of this pool"));
  Cell idle{"–", "not known", {}, Tone::kDim};
  if (pool.idle_bytes) {
    idle = cell_of(static_cast<double>(*pool.idle_bytes), Unit::kBytes, "", "");
  } else if (pool.idle) {
    idle = cell_of(static_cast<double>(*pool.idle), Unit::kCount, "", "");
    idle.tooltip += " objects; they hold no buffer";
  }
  row.cells.push_back(std::move(idle));
  row.cells.push_back(gain_cell(advised, pool));
  return row;
}

}  // namespace

double saved_cores(const TargetSnapshot& target, const model::Advice& advice) {
  if (!text::asks_for_something(advice) || !advice.saved_cpu_ratio) return 0;
  return advice.saved_cpu_ratio->value * target.cpu_seconds_per_second.value_or(0);
}

const TargetSnapshot* advised_target(const ViewerState& state, const std::string& name) {
  for (const auto* snapshot : {state.shown(), state.latest()}) {
    const auto* target = snapshot != nullptr ? find_target(*snapshot, name) : nullptr;
    if (target != nullptr && !target->advice.empty()) return target;
  }
  return nullptr;
}

Overview make_overview(const ViewerState& state) {
  Overview overview;
  if (state.shown() == nullptr) return overview;
  for (const TargetSnapshot& target : state.shown()->targets) {
    overview.targets.push_back(tile_of(state, target));
    if (const auto* advised = advised_target(state, target.name)) add_advice(overview, *advised);
  }
  std::ranges::stable_sort(overview.advice, [](const AdviceCard& one, const AdviceCard& other) {
    if ((one.tone == Tone::kBad) != (other.tone == Tone::kBad)) return one.tone == Tone::kBad;
    return one.saved_cores > other.saved_cores;
  });
  say_headline(overview, state);
  return overview;
}

Table make_pool_table() {
  return Table({{"pool", "its name, and what it holds", false},
                {"target", "whose pool it is", false},
                {"gets/s", "objects taken from it", true, true},
                {"hit ratio", "share of the gets that were served from the pool", true, true},
                {"misses/s", "gets that had to create an object", true, true},
                {"idle", "memory of the objects in it that nobody uses; or how many they are", true, true},
                {"what to change", "sorted by the CPU time that it saves", true}});
}

std::string pool_id(const Subject& subject) {
  return text::printable(subject.target) + "." + text::printable(subject.pool);
}

PoolList list_pools(const ViewerState& state) {
  struct Entry {
    Row row;
    Subject subject;
  };
  std::vector<Entry> entries;
  if (state.shown() == nullptr) return {};
  for (const TargetSnapshot& target : state.shown()->targets) {
    const TargetSnapshot* advised = advised_target(state, target.name);
    for (const auto* pool : text::sorted_pools(target))
      entries.push_back({pool_row(target, *pool, advised), {target.name, pool->name}});
  }
  const auto number = [](const Entry& entry, std::size_t column) {
    return entry.row.cells[column].number.value_or(-1);
  };
  std::ranges::stable_sort(entries, [&](const Entry& one, const Entry& other) {
    const double a = number(one, pool_columns::kGain), b = number(other, pool_columns::kGain);
    if (a != b) return a > b;
    return number(one, pool_columns::kGets) > number(other, pool_columns::kGets);
  });
  PoolList list;
  for (Entry& entry : entries) {
    list.rows.push_back(std::move(entry.row));
    list.subjects.push_back(std::move(entry.subject));
  }
  return list;
}

}  // namespace poolscope::viewer
