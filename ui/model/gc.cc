#include "ui/model/gc.h"

#include <algorithm>
#include <utility>

#include "exporters/text/distribution.h"
#include "exporters/text/line.h"
#include "exporters/text/wording.h"
#include "ui/model/counters.h"
#include "ui/model/wording.h"

namespace poolscope::viewer {
namespace {

using model::GcSummary;
using model::MaybeEstimate;
using model::TargetSnapshot;

template <typename Value>
Series gc_series(const ViewerState& state, const std::string& target, const Value& value) {
  return series_of(state.history(), target, OfTarget([&](const TargetSnapshot& at) -> MaybeEstimate {
                     return at.gc ? as_estimate(value(*at.gc)) : std::nullopt;
                   }));
}

std::optional<double> as_double(const std::optional<std::uint64_t>& value) {
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

TimePlot plot_of(const char* id, const char* title, Unit unit, const char* per, std::vector<PlotLine> lines,
                 const std::string& absent) {
  return {id, title, unit, per, std::move(lines), false, {}, absent};
}

void add_plots(Gc& gc, const ViewerState& state, const TargetSnapshot& target) {
  const std::string& name = target.name;
  const std::string early = "two steps with a collection between them are needed";
  const std::string absent = why_not_measured(target, "go_runtime");
  const auto cycles = [](const GcSummary& at) { return std::optional(static_cast<double>(at.cycles)); };
  const auto paused = [](const GcSummary& at) { return std::optional(at.pause_seconds); };
  const Series all_cycles = spaced(gc_series(state, name, cycles));
  const auto live = [](const GcSummary& at) { return as_double(at.live_bytes); };
  const auto goal = [](const GcSummary& at) { return as_double(at.goal_bytes); };
  const auto cpu = [](const GcSummary& at) { return at.cpu_ratio; };
  const auto assist = [](const GcSummary& at) { return at.assist_cpu_ratio; };
  const auto bytes = [](const GcSummary& at) { return at.allocated_bytes_per_second; };
  const auto churn = [](const GcSummary& at) { return at.churn_ratio; };
  gc.cycles =
      plot_of("gc.cycles", "Collections", Unit::kCount, "/s", {{"collections", rate_of_counter(all_cycles), 0}}, early);
  gc.pauses = plot_of("gc.pauses", "Pause of one collection, mean", Unit::kSeconds, "",
                      {{"stopped for", ratio_of_counters(gc_series(state, name, paused), all_cycles), 1}}, early);
  gc.heap = plot_of("gc.heap", "Heap", Unit::kBytes, "",
                    {{"live after a collection", gc_series(state, name, live), 2},
                     {"goal: starts the next", gc_series(state, name, goal), 5}},
                    absent);
  gc.cpu = plot_of(
      "gc.cpu", "CPU time, share of the process", Unit::kRatio, "",
      {{"collecting", gc_series(state, name, cpu), 0}, {"of it assists", gc_series(state, name, assist), 3}}, absent);
  gc.allocated = plot_of("gc.allocated", "Allocated", Unit::kBytes, "/s",
                         {{"allocated", gc_series(state, name, bytes), 4}}, absent);
  gc.garbage = plot_of("gc.garbage", "Garbage: does not survive a collection", Unit::kRatio, "",
                       {{"of what is allocated", gc_series(state, name, churn), 6}}, absent);
  gc.garbage.top = 1;
}

}  // namespace

Gc make_gc(const ViewerState& state) {
  Gc gc;
  const TargetSnapshot* target = chosen_target(state);
  if (target == nullptr) return gc;
  if (!target->gc) {
    gc.absent =
        target->runtime == "go"
            ? why_not_measured(*target, "go_runtime")
            : "not measured: the runtime of this target is " +
                  (target->runtime.empty() ? "not known" : text::printable(target->runtime)) +
                  ", and only programs in Go have a garbage collector that poolscope reads. What it allocates is in "
                  "the view of churn (3).";
    return gc;
  }
  gc.facts = facts_of(text::gc_quantities(*target));
  add_plots(gc, state, *target);
  gc.sizes = {"gc.sizes", "Objects by size class", "since its start", {}, ""};
  for (const auto& row : text::size_rows(text::gc_size_buckets(*target->gc)))
    gc.sizes.rows.push_back(
        {text::size_label(row), row.share, exact_text(row.share, Unit::kRatio) + " of the objects"});
  if (gc.sizes.rows.empty()) gc.sizes.absent = "not measured: the runtime did not give its counts by size class";
  return gc;
}

void prefer_target_with_gc(ViewerState& state) {
  if (!state.selected.target.empty() || state.shown() == nullptr) return;
  const auto& targets = state.shown()->targets;
  const auto found = std::ranges::find_if(targets, [](const auto& target) { return target.gc.has_value(); });
  if (found != targets.end()) state.selected.target = found->name;
}

}  // namespace poolscope::viewer
