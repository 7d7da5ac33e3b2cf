#include "agent/compare/snapshot_series.h"

#include <functional>
#include <map>
#include <set>

#include "agent/compare/series_table.h"

namespace poolscope::compare {
namespace {

using model::Estimate;
using Tell = std::function<void(const std::string& name, const Metric& metric, const Estimate& estimate)>;

struct Quantity {
  Metric metric;
  model::MaybeEstimate value;
};

model::MaybeEstimate exact(const std::optional<double>& value) {
  return value ? model::MaybeEstimate(Estimate{*value, std::nullopt, std::nullopt}) : std::nullopt;
}

std::vector<Quantity> quantities_of(const model::TargetSnapshot& target) {
  using enum Unit;
  using enum Direction;
  const auto& allocations = target.allocations;
  std::vector<Quantity> all = {
      {{"allocations_per_second", kCountPerSecond, kLower}, allocations.per_second},
      {{"allocated_bytes_per_second", kBytesPerSecond, kLower}, allocations.bytes_per_second},
      {{"frees_per_second", kCountPerSecond, kUnknown}, allocations.frees_per_second},
      {{"reallocations_per_second", kCountPerSecond, kLower}, allocations.reallocations_per_second},
      {{"churn_ratio", kRatio, kLower}, allocations.churn_ratio},
      {{"heap_turnover_per_second", kCountPerSecond, kLower}, allocations.heap_turnover_per_second},
      {{"cpu_seconds_per_second", kCount, kLower}, exact(target.cpu_seconds_per_second)},
  };
  if (!target.gc) return all;
  const auto& gc = *target.gc;
  all.push_back({{"gc_allocated_bytes_per_second", kBytesPerSecond, kLower}, exact(gc.allocated_bytes_per_second)});
  all.push_back({{"gc_allocated_objects_per_second", kCountPerSecond, kLower}, exact(gc.allocated_objects_per_second)});
  all.push_back({{"gc_churn_ratio", kRatio, kLower}, exact(gc.churn_ratio)});
  all.push_back({{"gc_cpu_ratio", kRatio, kLower}, exact(gc.cpu_ratio)});
  if (gc.live_bytes && !gc.heap_of_ended_process)
    all.push_back({{"gc_live_bytes", kBytes, kLower}, exact(static_cast<double>(*gc.live_bytes))});
  return all;
}

std::vector<Quantity> quantities_of(const model::PoolSummary& pool) {
  using enum Unit;
  using enum Direction;
  std::vector<Quantity> all = {
      {{"hit_ratio", kRatio, kHigher}, pool.hit_ratio},
      {{"gets_per_second", kCountPerSecond, kUnknown}, pool.gets_per_second},
      {{"misses_per_second", kCountPerSecond, kLower}, pool.misses_per_second},
      {{"regrowths_per_second", kCountPerSecond, kLower}, pool.regrowths_per_second},
      {{"thrown_away_per_gc", kCount, kLower}, exact(pool.thrown_away_per_gc)},
  };
  if (pool.idle_bytes) all.push_back({{"idle_bytes", kBytes, kLower}, exact(static_cast<double>(*pool.idle_bytes))});
  return all;
}

// Targets and pools with the same name would mix: the later ones get a number.
class UniqueNames {
 public:
  std::string operator()(const std::string& name) {
    const unsigned number = ++seen_[name];
    return number == 1 ? name : name + " #" + std::to_string(number);
  }

 private:
  std::map<std::string, unsigned> seen_;
};

void tell_all(const model::Snapshot& snapshot, const Tell& tell) {
  UniqueNames unique;
  for (const auto& target : snapshot.targets) {
    const std::string name = unique(target.name);
    for (const auto& [metric, value] : quantities_of(target)) {
      if (value) tell(name, metric, *value);
    }
    for (const auto& pool : target.pools) {
      const std::string pool_name = unique(name + " pool " + pool.name);
      for (const auto& [metric, value] : quantities_of(pool)) {
        if (value) tell(pool_name, metric, *value);
      }
    }
  }
}

}  // namespace

Measurements series_of_report(const model::Snapshot& report, const std::string& source) {
  Measurements all{SourceKind::kReport, source, {}, {}};
  tell_all(report, [&all](const std::string& name, const Metric& metric, const Estimate& estimate) {
    if (all.series.size() < kMaxSeries) all.series.push_back({name, {}, metric, {}, estimate});
  });
  return all;
}

Measurements series_of_pieces(std::span<const model::Snapshot> pieces, const std::string& source) {
  SeriesTable table;
  std::set<std::string> refused;
  for (const auto& piece : pieces) {
    tell_all(piece, [&](const std::string& name, const Metric& metric, const Estimate& estimate) {
      if (const auto error = table.add(name, {}, metric, estimate.value)) refused.insert(*error);
    });
  }
  return {SourceKind::kRecording, source, table.take(), {refused.begin(), refused.end()}};
}

}  // namespace poolscope::compare
