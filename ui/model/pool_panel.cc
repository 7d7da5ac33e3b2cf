#include "ui/model/pool_panel.h"

#include <algorithm>
#include <map>
#include <utility>

#include "exporters/text/advice_wording.h"
#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "exporters/text/pool_wording.h"
#include "ui/model/asked.h"
#include "ui/model/counters.h"

namespace poolscope::viewer {
namespace {

using model::MaybeEstimate;
using model::PoolSummary;
using model::TargetSnapshot;
using Counts = std::map<std::string, std::uint64_t>;
using CountsOf = const Counts* (*)(const PoolSummary&);

constexpr ColourIndex kGets = 0, kMisses = 1, kPuts = 2, kFirstReason = 3;

struct Found {
  const TargetSnapshot* target = nullptr;
  const PoolSummary* pool = nullptr;
};

Found find(const ViewerState& state, const Subject& subject) {
  if (state.shown() == nullptr) return {};
  const auto* target = find_target(*state.shown(), subject.target);
  return {target, target != nullptr ? find_pool(*target, subject.pool) : nullptr};
}

const Counts* misses_of(const PoolSummary& pool) {
  return pool.published ? &pool.published->misses : nullptr;
}

const Counts* discards_of(const PoolSummary& pool) {
  return pool.published ? &pool.published->discards : nullptr;
}

Series total_of(const ViewerState& state, const Subject& subject,
                std::optional<std::uint64_t> model::PoolCounted::*count) {
  return counts_of(state.history(), subject, OfPool([count](const PoolSummary& pool) -> MaybeEstimate {
                     const auto& counted = pool.counted.*count;
                     if (!pool.published || !counted) return std::nullopt;
                     return model::Estimate{static_cast<double>(*counted), {}, {}};
                   }));
}

Series total_of_reason(const ViewerState& state, const Subject& subject, CountsOf counts, const std::string& reason) {
  return counts_of(state.history(), subject, OfPool([&](const PoolSummary& pool) -> MaybeEstimate {
                     const Counts* all = counts(pool);
                     if (all == nullptr) return std::nullopt;
                     const auto found = all->find(reason);
                     return model::Estimate{found == all->end() ? 0.0 : static_cast<double>(found->second), {}, {}};
                   }));
}

// "misses: empty", "discards: full", those that ever happened.
void add_reasons(TimePlot& plot, const ViewerState& state, const Subject& subject, const PoolSummary& pool,
                 CountsOf counts, const std::string& what) {
  const Counts* all = counts(pool);
  if (all == nullptr) return;
  for (const auto& [reason, count] : *all) {
    if (count == 0) continue;
    const auto colour = static_cast<ColourIndex>(kFirstReason + plot.lines.size() % 4);
    plot.lines.push_back({what + ": " + text::printable(reason),
                          rate_of_counter(total_of_reason(state, subject, counts, reason)), colour, false});
  }
}

// Of a pool that counts itself, from its counts; of others, and of the time before anybody looked, as estimated.
Series hit_ratio_series(const ViewerState& state, const Subject& subject, const PoolSummary& pool) {
  Series estimated =
      series_of(state.history(), subject, OfPool([](const PoolSummary& each) { return each.hit_ratio; }));
  if (!pool.published) return estimated;
  Series counted = ratio_of_counters(total_of(state, subject, &model::PoolCounted::misses),
                                     total_of(state, subject, &model::PoolCounted::gets));
  for (Sample& sample : counted.samples) sample.value = 1 - sample.value;
  return joined(std::move(estimated), counted);
}

TimePlot hit_ratio_plot(const ViewerState& state, const Subject& subject, const PoolSummary& pool) {
  TimePlot plot{"pools.hit_ratio",
                "Hit ratio",
                Unit::kRatio,
                "",
                {},
                false,
                1.0,
                "No burst has seen it used, or nothing tells a miss."};
  plot.lines.push_back({pool.published ? "hit ratio" : "hit ratio with its 95 % interval",
                        hit_ratio_series(state, subject, pool), kGets, false});
  return plot;
}

TimePlot rates_plot(const ViewerState& state, const Subject& subject, const PoolSummary& pool) {
  TimePlot plot{"pools.rates", "Gets, puts, misses",        Unit::kCount, "/s", {}, false,
                std::nullopt,  "No burst has seen it used."};
  const auto add = [&](const char* name, MaybeEstimate PoolSummary::*rate,
                       std::optional<std::uint64_t> model::PoolCounted::*count, ColourIndex colour) {
    Series series = series_of(state.history(), subject, OfPool([rate](const PoolSummary& each) { return each.*rate; }));
    if (pool.published) series = joined(std::move(series), rate_of_counter(total_of(state, subject, count)));
    plot.lines.push_back({name, std::move(series), colour, plot.lines.empty()});
  };
  add("gets", &PoolSummary::gets_per_second, &model::PoolCounted::gets, kGets);
  add("puts", &PoolSummary::puts_per_second, &model::PoolCounted::puts, kPuts);
  const std::size_t before = plot.lines.size();
  add_reasons(plot, state, subject, pool, misses_of, "misses");
  const bool has_reasons = std::any_of(plot.lines.begin() + static_cast<std::ptrdiff_t>(before), plot.lines.end(),
                                       [](const PlotLine& line) { return !line.series.empty(); });
  if (!has_reasons) add("misses", &PoolSummary::misses_per_second, &model::PoolCounted::misses, kMisses);
  add_reasons(plot, state, subject, pool, discards_of, "discards");
  return plot;
}

TimePlot objects_plot(const ViewerState& state, const Subject& subject, const PoolSummary& pool) {
  TimePlot plot{
      "pools.objects", "Objects", Unit::kCount, "", {}, true, std::nullopt, "Nothing tells how many objects it holds."};
  const OfPool borrowed = [](const PoolSummary& each) -> MaybeEstimate {
    if (!each.published || !each.published->borrowed) return std::nullopt;
    return model::Estimate{static_cast<double>(*each.published->borrowed), {}, {}};
  };
  const OfPool idle = [](const PoolSummary& each) -> MaybeEstimate {
    if (!each.idle) return std::nullopt;
    return model::Estimate{static_cast<double>(*each.idle), {}, {}};
  };
  plot.lines.push_back({"borrowed", series_of(state.history(), subject, borrowed), kMisses, false});
  plot.lines.push_back({pool.published ? "idle, in caches of threads too" : "idle",
                        series_of(state.history(), subject, idle), kGets, false});
  return plot;
}

// The one that changes something before one that keeps, the one that saves most before others.
const model::Advice* chief_advice(const TargetSnapshot* advised, const std::string& pool) {
  const model::Advice* best = nullptr;
  if (advised == nullptr) return best;
  for (const model::Advice& advice : advised->advice) {
    if (advice.subject != pool) continue;
    const bool is_better = best == nullptr || text::asks_for_something(advice) > text::asks_for_something(*best) ||
                           (text::asks_for_something(advice) == text::asks_for_something(*best) &&
                            saved_cores(*advised, advice) > saved_cores(*advised, *best));
    if (is_better) best = &advice;
  }
  return best;
}

void say_advice(PoolPanel& panel, const TargetSnapshot* advised, const std::string& pool) {
  const model::Advice* advice = chief_advice(advised, pool);
  if (advice == nullptr) {
    panel.advice = "no advice for this pool";
    panel.advice_tone = Tone::kDim;
    return;
  }
  panel.advice = text::advice_action(*advice);
  const std::string gain = text::advice_gain(*advice);
  if (!gain.empty()) panel.advice += ", " + gain;
  panel.why = text::printable(advice->why);
  const bool asks = text::asks_for_something(*advice);
  panel.advice_tone = !asks ? (advice->verdict == model::Verdict::kWait ? Tone::kDim : Tone::kGood)
                      : advice->verdict == model::Verdict::kFix ? Tone::kBad
                                                                : Tone::kWarning;
}

}  // namespace

std::optional<PoolPanel> make_pool_panel(const ViewerState& state, const Subject& subject) {
  const auto [target, pool] = find(state, subject);
  if (pool == nullptr) return std::nullopt;
  PoolPanel panel;
  panel.name = text::printable(pool->name);
  const std::string label = text::pool_label(*pool);
  panel.label =
      (label.empty() ? "" : label + "   ") + text::printable(pool->kind) + " of " + text::printable(target->name);
  say_advice(panel, advised_target(state, subject.target), pool->name);
  panel.facts = text::small_print(*pool);
  panel.problem = text::remarkable(*pool, target->exact);
  panel.hit_ratio = hit_ratio_plot(state, subject, *pool);
  panel.rates = rates_plot(state, subject, *pool);
  panel.objects = objects_plot(state, subject, *pool);
  return panel;
}

std::optional<ResizeOffer> resize_offer(const ViewerState& state, const Subject& subject, bool has_token) {
  const auto [target, pool] = find(state, subject);
  if (pool == nullptr || pool->kind != "hosted" || !pool->published) return std::nullopt;
  ResizeOffer offer;
  offer.buffers = pool->published->max_borrowed_buffers.value_or(0);
  if (pool->published->borrowed) offer.facts = text::format_exact(*pool->published->borrowed) + " borrowed";
  if (const auto& most = pool->published->borrowed_high_water)
    offer.facts += (offer.facts.empty() ? "at most " : "; at most ") + short_text(most->value, Unit::kCount) +
                   " at a time of late";
  if (!state.is_live()) offer.why_not = "this is a recording";
  if (state.is_live() && !has_token)
    offer.why_not = "to change it, start the viewer with --token-file, and the agent with --web.enable-admin-api";
  return offer;
}

}  // namespace poolscope::viewer
