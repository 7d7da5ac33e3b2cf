#include "ui/model/health.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "exporters/text/report.h"
#include "exporters/text/wording.h"
#include "ui/model/counters.h"
#include "ui/model/wording.h"

namespace poolscope::viewer {
namespace {

using model::Cost;
using model::MaybeEstimate;
using model::TargetSnapshot;

constexpr const char* kTaken = "taken";

struct Meaning {
  std::string_view reason;
  const char* what;
};

// What became of bursts that were planned, and of events that were seen.
constexpr std::array kMeanings = {
    Meaning{"budget_exhausted", "the budget had no CPU time left for it; the interval becomes wider"},
    Meaning{"detach_pending", "the probes of the burst before were still there"},
    Meaning{"no_process", "no process of the target was there"},
    Meaning{"no_such_process", "the process ended meanwhile"},
    Meaning{"target_forked", "the target forked meanwhile"},
    Meaning{"target_execed", "the target started another program meanwhile"},
    Meaning{"too_hot", "even the shortest burst would slow the target by more than budget.burst_slowdown allows"},
    Meaning{"births_full", "more objects than there is room for: counted, their lifetimes are not followed"},
    Meaning{"sites_full", "more call sites than there is room for: counted, without a site"},
    Meaning{"chains_full", "more growing buffers than there is room for"},
    Meaning{"threads_full", "more threads than there is room for: their calls are not counted"},
    Meaning{"call_abandoned", "a call that never returned (an exception, the end of the burst): not counted"},
    Meaning{"stack_fault", "the return address could not be read: counted, without a site"},
    Meaning{"free_missed", "an address was born again without a free in between"},
};

std::string meaning_of(const std::string& reason) {
  const auto found = std::ranges::find(kMeanings, reason, &Meaning::reason);
  return found == kMeanings.end() ? "" : found->what;
}

MaybeEstimate charged(const TargetSnapshot& target) {
  return as_estimate(target.cost.charged_cpu_ratio);
}

MaybeEstimate measured(const TargetSnapshot& target) {
  return target.cost.measured_cpu_ratio;
}

// Per second of what was observed. A reason that did not occur while the target was looked at is 0, not unknown.
MaybeEstimate rate_of(const std::map<std::string, std::uint64_t>& counts, const std::string& reason, const Cost& cost) {
  if (!(cost.observed_seconds > 0)) return std::nullopt;
  const auto found = counts.find(reason);
  const double count = found == counts.end() ? 0 : static_cast<double>(found->second);
  return model::Estimate{count / cost.observed_seconds, {}, {}};
}

using CostCounts = std::map<std::string, std::uint64_t> Cost::*;

// The reasons that any step of the history has, so that a line does not come and go.
std::set<std::string> reasons_in(const ViewerState& state, const std::string& target, CostCounts counts) {
  std::set<std::string> reasons;
  for (const Step& step : state.history().steps())
    if (const auto* found = find_target(*step.snapshot, target))
      for (const auto& [reason, count] : found->cost.*counts) reasons.insert(reason);
  return reasons;
}

TimePlot counts_plot(const ViewerState& state, const TargetSnapshot& target, CostCounts counts, TimePlot plot) {
  constexpr std::size_t kMostLines = 6;
  plot.unit = Unit::kCount;
  plot.per = "/s";
  plot.is_stacked = true;
  for (const std::string& reason : reasons_in(state, target.name, counts)) {
    if (plot.lines.size() == kMostLines) break;
    const auto rate = [&](const TargetSnapshot& at) { return rate_of(at.cost.*counts, reason, at.cost); };
    plot.lines.push_back({text::printable(reason), series_of(state.history(), target.name, OfTarget(rate)),
                          static_cast<ColourIndex>(plot.lines.size())});
  }
  return plot;
}

Series budget_line(const ViewerState& state, const std::string& target) {
  Series series;
  for (const Step& step : state.history().steps())
    if (find_target(*step.snapshot, target) != nullptr)
      series.samples.push_back({step.range.to_ns, step.snapshot->agent.budget_cpu_ratio, {}, {}, series.empty()});
  return series;
}

TimePlot charge_plot(const ViewerState& state, const TargetSnapshot& target) {
  TimePlot plot{"health.charge", "Cost of measuring, share of the target's CPU", Unit::kRatio, "", {}, false, {}, ""};
  plot.lines.push_back({"charged", series_of(state.history(), target.name, OfTarget(charged)), 0});
  plot.lines.push_back({"measured", series_of(state.history(), target.name, OfTarget(measured)), 1});
  const bool any = std::ranges::any_of(plot.lines, [](const PlotLine& line) { return !line.series.empty(); });
  if (any && !target.exact) plot.lines.push_back({"allowed", budget_line(state, target.name), 5});
  plot.absent = "not known: the CPU time of the target was not told";
  return plot;
}

// CPU time of the agent since it started; another run of it begins anew.
Series own_cpu(const ViewerState& state) {
  Series series;
  std::string boot_id;
  for (const Step& step : state.history().steps()) {
    const model::AgentInfo& agent = step.snapshot->agent;
    if (!(agent.cpu_seconds > 0)) continue;
    series.samples.push_back({step.range.to_ns, agent.cpu_seconds, {}, {}, series.empty() || agent.boot_id != boot_id});
    boot_id = agent.boot_id;
  }
  return series;
}

TimePlot own_plot(const ViewerState& state) {
  TimePlot plot{"health.own", "The agent itself, share of a core", Unit::kRatio, "", {}, false, {}, ""};
  plot.absent = "not known: a recording does not hold what the agent used, and of a live one two looks are needed";
  plot.lines.push_back({"CPU time", rate_of_counter(spaced(own_cpu(state))), 2});
  return plot;
}

Gauge charge_gauge(const TargetSnapshot& target, double allowed) {
  Gauge gauge{"health.budget", "Charged to the target", target.cost.charged_cpu_ratio, allowed, "", Tone::kGood, ""};
  if (target.exact) {
    gauge.allowed.reset();
    gauge.absent = "every event was traced, without a budget: " + text::charge_text(target.cost);
    return gauge;
  }
  if (!gauge.used) {
    gauge.absent = "the CPU time of the target is not known; measuring took " + text::charge_text(target.cost);
    return gauge;
  }
  gauge.text = text::format_ratio(*gauge.used) + " of its CPU time, " + text::format_ratio(allowed) + " allowed";
  gauge.tone = *gauge.used > allowed * 1.05 ? Tone::kBad : *gauge.used > allowed * 0.9 ? Tone::kWarning : Tone::kGood;
  return gauge;
}

Gauge coverage_gauge(const TargetSnapshot& target) {
  Gauge gauge{"health.coverage", "Bursts taken, of those planned", target.cost.coverage_ratio, 1, "", Tone::kGood, ""};
  if (!gauge.used) {
    gauge.absent = target.exact ? "every event was traced" : "no burst was planned";
    return gauge;
  }
  gauge.text = text::format_ratio(*gauge.used) + " of the bursts that were due";
  gauge.tone = *gauge.used < 0.5 ? Tone::kWarning : Tone::kGood;
  return gauge;
}

std::uint64_t sum_of(const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : counts) sum += count;
  return sum;
}

Cell whole_number(std::uint64_t count) {
  return {text::format_count(static_cast<double>(count)), text::format_exact(count), static_cast<double>(count),
          Tone::kPlain};
}

std::vector<Fact> facts_of_cost(const TargetSnapshot& target) {
  const Cost& cost = target.cost;
  std::vector<Fact> facts;
  facts.push_back(fact_of("observed", cell_of(std::optional(cost.observed_seconds), Unit::kSeconds, "", ""),
                          "of which probes counted for " + text::format_seconds(cost.window_seconds)));
  const auto taken = cost.bursts.find(kTaken);
  facts.push_back(fact_of("bursts", whole_number(taken == cost.bursts.end() ? 0 : taken->second), "taken"));
  facts.push_back(fact_of("probe hits", whole_number(cost.probe_hits),
                          "charged with " + text::format_seconds(cost.charged_cpu_seconds) + " of CPU time"));
  Cell loss = cell_of(cost.measured_cpu_ratio, Unit::kRatio, "", "no work counter of the target tells it");
  facts.push_back(
      fact_of("measured loss", std::move(loss),
              cost.measured_cpu_ratio ? "by a work counter of the target" : "no work counter of the target tells it"));
  Cell dropped = whole_number(sum_of(cost.dropped));
  if (!cost.dropped.empty()) dropped.tone = Tone::kWarning;
  facts.push_back(fact_of("events dropped", std::move(dropped), "seen, but not recorded"));
  Cell clamped = whole_number(cost.clamped_windows);
  if (cost.clamped_windows > 0) clamped.tone = Tone::kWarning;
  facts.push_back(fact_of("clamped windows", std::move(clamped), "charge cut at 80 % of their CPU time"));
  if (cost.ended_cpu_ratio)
    facts.push_back(fact_of("not looked at", cell_of(cost.ended_cpu_ratio, Unit::kRatio, "", ""),
                            "CPU time of processes that ended too soon"));
  return facts;
}

// What a collector still needs, and when it will have it.
Cell needs_cell(const TargetSnapshot& target, const std::string& collector) {
  const auto found = std::ranges::find(target.evidence, collector, &model::BurstEvidence::collector);
  if (found == target.evidence.end()) return {"–", "it takes no bursts, or has taken none", {}, Tone::kDim};
  const std::string bursts = text::format_exact(found->bursts) + (found->bursts == 1 ? " burst" : " bursts");
  if (!found->needed_bursts) return {"enough", bursts + ", enough for intervals and advice", 0.0, Tone::kGood};
  const std::uint64_t missing = *found->needed_bursts - std::min(*found->needed_bursts, found->bursts);
  std::string text = text::format_exact(missing) + " bursts for " + text::printable(found->needed_for);
  if (found->needed_seconds) text += ", in " + text::format_seconds(*found->needed_seconds);
  return {text, bursts + " so far", static_cast<double>(missing), Tone::kWarning};
}

Tone tone_of_state(model::CollectorState state) {
  return state == model::CollectorState::kCollecting ? Tone::kGood
         : state == model::CollectorState::kIdle     ? Tone::kDim
                                                     : Tone::kBad;
}

std::vector<Row> collector_rows(const TargetSnapshot& target) {
  std::vector<Row> rows;
  UniqueIds unique;
  for (const auto& collector : target.collectors) {
    const std::string name = text::printable(collector.name), detail = text::printable(collector.detail);
    Row row{unique(name), {}};
    row.cells.push_back({name, name, {}, Tone::kPlain});
    row.cells.push_back({text::printable(collector.level), "", {}, Tone::kDim});
    row.cells.push_back(
        {std::string("● ") + model::state_name(collector.state), "", {}, tone_of_state(collector.state)});
    row.cells.push_back({text::printable(collector.reason), meaning_of(collector.reason), {}, Tone::kPlain});
    row.cells.push_back(needs_cell(target, collector.name));
    row.cells.push_back({detail, detail, {}, Tone::kPlain});
    rows.push_back(std::move(row));
  }
  return rows;
}

void add_losses(std::vector<Row>& rows, const char* kind, const std::map<std::string, std::uint64_t>& counts) {
  for (const auto& [reason, count] : counts) {
    if (reason == kTaken || count == 0) continue;
    const std::string shown = text::printable(reason), meaning = meaning_of(reason);
    Row row{std::string(kind) + "." + shown, {}};
    row.cells = {{kind, "", {}, Tone::kDim},
                 {shown, meaning, {}, Tone::kPlain},
                 whole_number(count),
                 {meaning.empty() ? "–" : meaning, meaning.empty() ? shown : meaning, {}, Tone::kPlain}};
    rows.push_back(std::move(row));
  }
}

void say_health_headline(Health& health, const TargetSnapshot& target) {
  const auto count = [&](model::CollectorState state) {
    return static_cast<std::size_t>(std::ranges::count(target.collectors, state, &model::CollectorStatus::state));
  };
  const std::size_t unavailable = count(model::CollectorState::kUnavailable);
  const Gauge& charge = health.gauges.front();
  if (charge.tone == Tone::kBad) {
    health.headline = "Measuring took more than is allowed: " + charge.text + ".";
    health.headline_tone = Tone::kBad;
  } else if (unavailable > 0) {
    health.headline = text::format_exact(unavailable) + " of " + text::format_exact(target.collectors.size()) +
                      " collectors cannot work; the table says why.";
    health.headline_tone = Tone::kWarning;
  } else {
    health.headline = charge.text.empty() ? charge.absent + "." : "Within the budget: " + charge.text + ".";
    health.headline_tone = charge.text.empty() ? Tone::kDim : Tone::kGood;
  }
}

}  // namespace

Health make_health(const ViewerState& state) {
  Health health;
  const TargetSnapshot* target = chosen_target(state);
  if (target == nullptr) return health;
  health.gauges = {charge_gauge(*target, state.shown()->agent.budget_cpu_ratio), coverage_gauge(*target)};
  health.facts = facts_of_cost(*target);
  health.charge = charge_plot(state, *target);
  health.own = own_plot(state);
  health.bursts =
      counts_plot(state, *target, &Cost::bursts,
                  {"health.bursts", "Bursts by outcome", Unit::kCount, "", {}, false, {}, "no burst was planned"});
  health.dropped = counts_plot(state, *target, &Cost::dropped,
                               {"health.dropped",
                                "Events dropped by reason",
                                Unit::kCount,
                                "",
                                {},
                                false,
                                {},
                                "none was dropped in this history"});
  health.collectors = collector_rows(*target);
  add_losses(health.losses, "burst not taken", target->cost.bursts);
  add_losses(health.losses, "event dropped", target->cost.dropped);
  if (health.losses.empty()) health.losses_note = "nothing was lost";
  say_health_headline(health, *target);
  return health;
}

Table make_collector_table() {
  return Table(
      {{"collector", "what measures", false},
       {"level", "L0 reads memory, L1 probes rare events all the time, L2 probes hot functions in bursts", false},
       {"state", "", false},
       {"reason", "one word of a fixed list, as in the metrics", false},
       {"evidence", "what it still needs for intervals and for advice", true},
       {"what it says", "the thing, the cause, the way out", false}});
}

Table make_loss_table() {
  return Table({{"lost", "", false},
                {"reason", "", false},
                {"count", "in the range that is shown", true, true},
                {"what it means", "", false}});
}

}  // namespace poolscope::viewer
