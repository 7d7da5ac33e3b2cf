#include "ui/model/overview.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "exporters/text/advice_wording.h"
#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "exporters/text/report.h"
#include "exporters/text/wording.h"
#include "ui/model/asked.h"
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
  if (is_go(target)) kinds.push_back({"GC CPU", gc_cpu_ratio, Unit::kRatio, "", "go_runtime"});
  kinds.push_back({"memory CPU", memory_cpu_ratio, Unit::kRatio, "", "cpu_share"});
  kinds.push_back({"measuring", charged_ratio, Unit::kRatio, "", heap});
  return kinds;
}

AdviceCard card_of(const Asked& asked) {
  const model::Advice& advice = *asked.advice;
  return {{asked.target->name, advice.subject},
          text::advice_action(advice),
          text::advice_gain(advice),
          text::printable(advice.why),
          tone_of(advice),
          asked.saved_cores};
}

// What is wrong, and what changing it saves.
void say_headline(Overview& overview, const ViewerState& state, const std::vector<Asked>& asked) {
  if (asked.empty()) {
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
  for (const Asked& each : asked) cores += each.saved_cores;
  overview.headline = text::format_exact(asked.size()) + (asked.size() == 1 ? " thing" : " things") + " to change";
  if (cores >= kWorthSayingCores) overview.headline += ": saves up to " + text::format_ratio(cores) + " of a core";
  overview.headline += ".";
  overview.headline_tone = Tone::kWarning;
}

}  // namespace

TargetTile make_tile(const ViewerState& state, const TargetSnapshot& target) {
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

Overview make_overview(const ViewerState& state) {
  Overview overview;
  if (state.shown() == nullptr) return overview;
  std::vector<Asked> asked;
  for (const TargetSnapshot& target : state.shown()->targets) {
    const auto* advised = advised_target(state, target.name);
    if (advised == nullptr) continue;
    std::ranges::move(what_is_asked(*advised), std::back_inserter(asked));
    std::ranges::move(text::advice_by_name(*advised), std::back_inserter(overview.rest));
  }
  std::ranges::stable_sort(asked, [](const Asked& one, const Asked& other) {
    const bool is_broken = one.advice->verdict == Verdict::kFix;
    if (is_broken != (other.advice->verdict == Verdict::kFix)) return is_broken;
    return one.saved_cores > other.saved_cores;
  });
  for (const Asked& each : asked) {
    if (overview.advice.size() < kMostCards)
      overview.advice.push_back(card_of(each));
    else
      ++overview.left_out;
  }
  say_headline(overview, state, asked);
  return overview;
}

}  // namespace poolscope::viewer
