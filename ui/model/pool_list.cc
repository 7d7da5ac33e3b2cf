#include "ui/model/pool_list.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "exporters/text/advice_wording.h"
#include "exporters/text/line.h"
#include "exporters/text/pool_wording.h"
#include "exporters/text/report.h"
#include "ui/model/asked.h"
#include "ui/model/wording.h"

namespace poolscope::viewer {
namespace {

using model::MaybeEstimate;
using model::TargetSnapshot;
using model::Verdict;

std::string why_no_gain(const TargetSnapshot* target, const model::PoolSummary& pool) {
  if (target == nullptr) return "no advice was given";
  for (const model::Advice& advice : target->advice)
    if (advice.subject == pool.name) return text::printable(advice.why);
  return "no advice was given for this pool";
}

Cell gain_cell(const ListedPool& listed) {
  if (listed.advice == nullptr) return {"–", why_no_gain(listed.advised, *listed.pool), {}, Tone::kDim};
  const model::Advice& advice = *listed.advice;
  const std::string gain = text::advice_gain(advice), action = text::advice_action(advice);
  return {action, action + (gain.empty() ? "" : ": " + gain) + "\n" + text::printable(advice.why),
          saved_cores(*listed.advised, advice), tone_of(advice)};
}

Cell idle_cell(const model::PoolSummary& pool) {
  if (pool.idle_bytes) return cell_of(static_cast<double>(*pool.idle_bytes), Unit::kBytes, "", "");
  if (!pool.idle) return {"–", "not known", {}, Tone::kDim};
  Cell cell = cell_of(static_cast<double>(*pool.idle), Unit::kCount, "", "");
  cell.tooltip += " objects; they hold no buffer";
  return cell;
}

Cell hit_ratio_cell(const ListedPool& listed, const std::string& absent) {
  Cell cell = cell_of(listed.pool->hit_ratio, Unit::kRatio, "", absent);
  const std::string said = text::remarkable(*listed.pool, listed.target->exact);
  if (said.empty()) return cell;
  cell.tone = Tone::kWarning;
  cell.tooltip += "\n" + said;
  return cell;
}

Cell pool_cell(const ListedPool& listed, std::size_t column) {
  const model::PoolSummary& pool = *listed.pool;
  const std::string unseen = "no burst saw it used";
  switch (column) {
    case pool_columns::kPool: {
      const std::string label = text::pool_label(pool);
      return {text::printable(pool.name), label.empty() ? pool.kind : label + "\n" + pool.kind, {}, Tone::kPlain};
    }
    case pool_columns::kTarget:
      return {text::printable(listed.target->name), text::identity(*listed.target), {}, Tone::kDim};
    case pool_columns::kGets:
      return cell_of(pool.gets_per_second, Unit::kCount, "/s", unseen);
    case pool_columns::kHitRatio:
      return hit_ratio_cell(listed, unseen);
    case pool_columns::kMisses:
      return cell_of(pool.misses_per_second, Unit::kCount, "/s", "nothing tells a miss of this pool");
    case pool_columns::kIdle:
      return idle_cell(pool);
    default:
      return gain_cell(listed);
  }
}

// The number of pool_cell(), without its words.
std::optional<double> pool_number(const ListedPool& listed, std::size_t column) {
  const model::PoolSummary& pool = *listed.pool;
  switch (column) {
    case pool_columns::kGets:
      return value_of(pool.gets_per_second);
    case pool_columns::kHitRatio:
      return value_of(pool.hit_ratio);
    case pool_columns::kMisses:
      return value_of(pool.misses_per_second);
    case pool_columns::kIdle: {
      const auto& idle = pool.idle_bytes ? pool.idle_bytes : pool.idle;
      return idle ? std::optional(static_cast<double>(*idle)) : std::nullopt;
    }
    case pool_columns::kGain:
      if (listed.advice == nullptr) return std::nullopt;
      return saved_cores(*listed.advised, *listed.advice);
    default:
      return std::nullopt;
  }
}

std::string pool_text(const ListedPool& listed, std::size_t column) {
  if (column == pool_columns::kPool) return text::printable(listed.pool->name);
  if (column == pool_columns::kTarget) return text::printable(listed.target->name);
  if (column == pool_columns::kGain && listed.advice != nullptr) return text::advice_action(*listed.advice);
  return "";
}

// For each subject the advice that saves most.
std::map<std::string_view, const model::Advice*> best_advice(const TargetSnapshot& target) {
  std::map<std::string_view, const model::Advice*> best;
  for (const Asked& asked : what_is_asked(target)) {
    const model::Advice*& held = best[asked.advice->subject];
    if (held == nullptr || asked.saved_cores > saved_cores(target, *held)) held = asked.advice;
  }
  return best;
}

void add_pools(std::vector<ListedPool>& pools, const TargetSnapshot& target, const TargetSnapshot* advised) {
  const auto best = advised != nullptr ? best_advice(*advised) : std::map<std::string_view, const model::Advice*>{};
  for (const auto* pool : text::sorted_pools(target)) {
    const auto found = best.find(pool->name);
    pools.push_back({&target, pool, advised, found == best.end() ? nullptr : found->second});
  }
}

}  // namespace

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

std::shared_ptr<const PoolList> list_pools(const ViewerState& state) {
  auto list = std::make_shared<PoolList>();
  list->shown = state.shared_shown();
  list->latest = state.shared_latest();
  if (list->shown == nullptr) return list;
  for (const TargetSnapshot& target : list->shown->targets)
    add_pools(list->pools, target, advised_target(state, target.name));
  struct Place {
    double gain, gets;
    std::size_t index;
  };
  std::vector<Place> places;
  places.reserve(list->pools.size());
  const auto number = [](const ListedPool& pool, std::size_t column) {
    const double value = pool_number(pool, column).value_or(-1);
    return std::isfinite(value) ? value : -1;
  };
  for (const ListedPool& pool : list->pools)
    places.push_back({number(pool, pool_columns::kGain), number(pool, pool_columns::kGets), places.size()});
  std::ranges::stable_sort(places, [](const Place& one, const Place& other) {
    return one.gain != other.gain ? one.gain > other.gain : one.gets > other.gets;
  });
  std::vector<ListedPool> sorted;
  sorted.reserve(places.size());
  for (const Place& place : places) sorted.push_back(list->pools[place.index]);
  list->pools = std::move(sorted);
  return list;
}

RowMaker pool_rows(std::shared_ptr<const PoolList> list, std::vector<std::size_t> columns) {
  const auto make = [list, columns](std::size_t index) {
    const ListedPool& listed = list->pools[index];
    Row row{pool_id(listed.subject()), {}};
    for (const std::size_t column : columns) row.cells.push_back(pool_cell(listed, column));
    return row;
  };
  return {list->pools.size(), make,
          [list, columns](std::size_t index, std::size_t column) {
            return pool_number(list->pools[index], columns[column]);
          },
          [list, columns](std::size_t index, std::size_t column) {
            return pool_text(list->pools[index], columns[column]);
          }};
}

}  // namespace poolscope::viewer
