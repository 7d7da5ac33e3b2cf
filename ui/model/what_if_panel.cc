// What a pool would do with other limits, as plots with markers and as lines.
#include <algorithm>
#include <utility>

#include "agent/advice/pool_facts.h"
#include "agent/advice/what_if.h"
#include "exporters/text/pool_wording.h"
#include "exporters/text/report.h"
#include "poolscope/log_linear.h"
#include "ui/model/asked.h"
#include "ui/model/pool_panel.h"

namespace poolscope::viewer {
namespace {

using model::PoolSummary;
using model::TargetSnapshot;

constexpr ColourIndex kCurrent = 1, kRecommended = 2, kTried = 4;

const sizing::Prices* prices_of(const ViewerState& state) {
  for (const auto* snapshot : {state.shown(), state.latest()})
    if (snapshot != nullptr && snapshot->agent.prices) return &*snapshot->agent.prices;
  return nullptr;
}

std::optional<std::uint64_t> recommended(const TargetSnapshot* advised, const std::string& pool, const char* kind) {
  if (advised == nullptr) return std::nullopt;
  for (const model::Advice& advice : advised->advice)
    if (advice.subject == pool && advice.kind == kind && advice.recommended) return advice.recommended;
  return std::nullopt;
}

std::vector<Marker> markers_of(const char* tried_id, std::uint64_t current, std::optional<std::uint64_t> better,
                               std::optional<std::uint64_t> tried) {
  std::vector<Marker> markers;
  if (current > 0) markers.push_back({"current", "now", static_cast<double>(current), kCurrent, false});
  if (better && *better != current)
    markers.push_back({"recommended", "recommended", static_cast<double>(*better), kRecommended, false});
  const std::uint64_t at = tried.value_or(better.value_or(current));
  if (at > 0) markers.push_back({tried_id, "try", static_cast<double>(at), kTried, true});
  return markers;
}

std::string why_no_sizes(const PoolSummary& pool) {
  const std::string why = text::why_no_lengths(pool);
  if (!why.empty()) return "Needed sizes are not known: " + why + ".";
  return pool.published ? "The pool does not publish what its buffers needed." : "No burst has seen a put.";
}

BarPlot needed_plot(const PoolSummary& pool, std::vector<Marker> markers) {
  BarPlot plot{"pools.needed", "Needed size", Unit::kBytes, {}, std::move(markers), why_no_sizes(pool)};
  if (!pool.needed_bytes) return plot;
  for (const auto& [upper, share] : pool.needed_bytes->buckets) {
    const auto lower = static_cast<double>(ps_log_linear_lower(ps_log_linear_index(upper)));
    const double high = static_cast<double>(upper) + 1;
    std::string said = text::format_bytes(lower) + " – " + text::format_bytes(static_cast<double>(upper)) + "\n" +
                       exact_text(share, Unit::kRatio) + " of the puts";
    plot.bars.push_back({lower, high, share, std::move(said)});
  }
  return plot;
}

CurvePlot misses_plot(const std::vector<sizing::MissesAt>& misses, bool is_bound, std::vector<Marker> markers) {
  CurvePlot plot{"pools.misses",
                 "Misses by limit",
                 Unit::kCount,
                 "max_idle_buffers",
                 {},
                 std::move(markers),
                 "Its gets and puts were not seen in order, so misses by limit are not known."};
  if (is_bound) plot.title = "Misses by limit, at most";
  for (const auto& at : misses)
    if (at.idle_buffers > 0) plot.points.push_back({static_cast<double>(at.idle_buffers), at.low, at.high});
  return plot;
}

Cell range_cell(double low, double high) {
  std::string shown = text::format_ratio(low);
  if (text::format_ratio(high) != shown) shown += " – " + text::format_ratio(high);
  return {std::move(shown), exact_text(low, Unit::kRatio) + " – " + exact_text(high, Unit::kRatio), low, Tone::kPlain};
}

Cell saved_cell(const model::Estimate& saved) {
  const Tone tone = saved.value < 0 ? Tone::kBad : Tone::kGood;
  std::string shown = text::format_ratio(saved.value);
  if (saved.low && saved.high)
    shown += " (" + text::format_ratio(*saved.low) + " – " + text::format_ratio(*saved.high) + ")";
  return {std::move(shown),
          exact_text(saved, Unit::kRatio, "") + " of the CPU time of the target, memory at its price included",
          saved.value, tone};
}

void add_lines(WhatIfPanel& panel, const PoolSummary& pool, const advice::WhatIf& answer) {
  const std::string absent = "not known";
  if (answer.hit_ratio_low && answer.hit_ratio_high)
    panel.lines.push_back({"hit ratio", cell_of(pool.hit_ratio, Unit::kRatio, "", absent),
                           range_cell(*answer.hit_ratio_low, *answer.hit_ratio_high)});
  if (answer.growing_ratio)
    panel.lines.push_back({"gets that must grow", {}, cell_of(answer.growing_ratio, Unit::kRatio, "", absent)});
  if (answer.idle_bytes) {
    Cell now = pool.idle_bytes ? cell_of(static_cast<double>(*pool.idle_bytes), Unit::kBytes, "", absent)
                               : Cell{"–", absent, {}, Tone::kDim};
    panel.lines.push_back(
        {"idle memory, at most", std::move(now), cell_of(answer.idle_bytes, Unit::kBytes, "", absent)});
  }
  if (answer.saved_cpu_ratio) panel.lines.push_back({"saves CPU time", {}, saved_cell(*answer.saved_cpu_ratio)});
  panel.missing = answer.missing;
}

// What is asked: what was dragged, else what the handles say at first.
advice::Limits limits_of(const WhatIfPanel& panel, const advice::Limits& tried) {
  if (tried.buffer_bytes || tried.max_idle_buffers) return tried;
  advice::Limits limits;
  const auto handle = [](const std::vector<Marker>& markers) -> std::optional<std::uint64_t> {
    const auto found = std::ranges::find_if(markers, &Marker::can_be_dragged);
    if (found == markers.end()) return std::nullopt;
    return static_cast<std::uint64_t>(found->value);
  };
  if (!panel.misses.points.empty()) limits.max_idle_buffers = handle(panel.misses.markers);
  if (!panel.needed.bars.empty()) limits.buffer_bytes = handle(panel.needed.markers);
  return limits;
}

void add_misses(WhatIfPanel& panel, const PoolSummary& pool, const std::optional<advice::IdleFacts>& idle,
                std::optional<std::uint64_t> better, std::optional<std::uint64_t> tried) {
  constexpr std::uint64_t kFirstTried = 16;  // where there is no limit so far
  const std::uint64_t current = pool.published ? pool.published->max_idle_buffers.value_or(0) : 0;
  auto markers = markers_of(kTriedIdleBuffers, current, better, tried);
  if (markers.empty() && idle && pool.kind != "go_sync_pool")
    markers = markers_of(kTriedIdleBuffers, 0, std::nullopt, kFirstTried);
  panel.misses = misses_plot(idle ? idle->use.misses : std::vector<sizing::MissesAt>(), idle && idle->is_bound,
                             std::move(markers));
}

}  // namespace

WhatIfPanel make_what_if(const ViewerState& state, const Subject& subject, const advice::Limits& tried) {
  WhatIfPanel panel;
  const TargetSnapshot* target = state.shown() != nullptr ? find_target(*state.shown(), subject.target) : nullptr;
  const PoolSummary* pool = target != nullptr ? find_pool(*target, subject.pool) : nullptr;
  if (pool == nullptr) return panel;
  const TargetSnapshot* advised = advised_target(state, subject.target);
  panel.needed =
      needed_plot(*pool, markers_of(kTriedBufferBytes, advice::current_buffer_bytes(*pool),
                                    recommended(advised, pool->name, kTriedBufferBytes), tried.buffer_bytes));
  const sizing::Prices* prices = prices_of(state);
  const auto facts = prices != nullptr ? advice::facts_of(*target, *pool, *prices) : std::nullopt;
  add_misses(panel, *pool, facts ? advice::idle_use_of(*pool, *facts) : std::nullopt,
             recommended(advised, pool->name, kTriedIdleBuffers), tried.max_idle_buffers);
  const advice::Limits limits = limits_of(panel, tried);
  if (prices == nullptr) {
    panel.missing = "the agent has not measured what memory costs on its machine";
  } else if (!limits.buffer_bytes && !limits.max_idle_buffers) {
    panel.missing = "neither needed sizes nor misses by limit are known of this pool";
  } else {
    add_lines(panel, *pool, advice::what_if(*target, *pool, *prices, limits));
  }
  return panel;
}

}  // namespace poolscope::viewer
