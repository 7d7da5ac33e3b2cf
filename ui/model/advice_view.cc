#include "ui/model/advice_view.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "exporters/text/advice_wording.h"
#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "exporters/text/report.h"
#include "exporters/text/wording.h"
#include "ui/model/asked.h"
#include "ui/model/pool_list.h"
#include "ui/model/wording.h"

namespace poolscope::viewer {
namespace {

using model::Advice;
using model::AdviceOutcome;
using model::TargetSnapshot;
using model::Verdict;

std::string printable_joined(const std::vector<std::string>& texts, const char* separator) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : separator) + text::printable(text);
  return all;
}

// How sure it is that it pays.
std::string confidence_of(const Advice& advice) {
  if (advice.verdict == Verdict::kWait) return "too early to tell";
  if (!advice.saved_cpu_ratio) return "what it saves is not told";
  const auto& saved = *advice.saved_cpu_ratio;
  if (!saved.low || !saved.high) return "no interval";
  const std::string interval =
      "95 % interval " + text::format_ratio(*saved.low) + " – " + text::format_ratio(*saved.high);
  if (advice.verdict == Verdict::kKeep) return interval + ": what the pool saves as it is";
  if (*saved.low > 0) return interval + ": it surely saves something";
  return interval + (*saved.high > 0 ? ": it may save nothing" : ": it saves nothing");
}

std::optional<EffectBar> effect_of(const Advice& advice) {
  if (!advice.saved_cpu_ratio) return std::nullopt;
  const auto& saved = *advice.saved_cpu_ratio;
  constexpr double kLargest = 1e6;  // of a share: anything beyond that is none, and has no bar
  for (const double end : {saved.value, saved.low.value_or(0), saved.high.value_or(0)})
    if (!(std::abs(end) <= kLargest)) return std::nullopt;
  return EffectBar{saved.low.value_or(saved.value), saved.value, saved.high.value_or(saved.value),
                   "saved: " + exact_text(saved, Unit::kRatio, "") + " of the CPU time of the target"};
}

std::vector<Fact> facts_of_advice(const Advice& advice) {
  std::vector<Fact> facts;
  const auto value = [&](std::uint64_t number) {
    const Unit unit = advice.unit == "buffers" ? Unit::kCount : Unit::kBytes;  // of a range alone: sizes of buffers
    return cell_of(static_cast<double>(number), unit, "", "");
  };
  const std::string unit = advice.unit == "bytes" ? "" : text::printable(advice.unit);
  if (advice.current) facts.push_back(fact_of("now", value(*advice.current), unit));
  if (advice.recommended) facts.push_back(fact_of("recommended", value(*advice.recommended), unit));
  if (advice.same_cost_from && advice.same_cost_to) {
    Cell range = value(*advice.same_cost_from);
    range.text += " – " + value(*advice.same_cost_to).text;
    facts.push_back(fact_of("costs the same", std::move(range), "flat optimum: any of these will do"));
  }
  if (advice.saved_bytes)
    facts.push_back(fact_of(*advice.saved_bytes < 0 ? "memory it takes" : "memory it gives back",
                            cell_of(std::optional(std::abs(*advice.saved_bytes)), Unit::kBytes, "", ""), "idle"));
  if (advice.predicted_hit_ratio)
    facts.push_back(fact_of("hit ratio then", cell_of(advice.predicted_hit_ratio, Unit::kRatio, "", ""), "predicted"));
  if (advice.break_even_hit_ratio)
    facts.push_back(fact_of("break-even", cell_of(advice.break_even_hit_ratio, Unit::kRatio, "", ""),
                            "hit ratio from which it pays"));
  return facts;
}

std::vector<Row> evidence_rows(const Advice& advice) {
  std::vector<Row> rows;
  UniqueIds unique;
  for (const auto& evidence : advice.evidence) {
    const std::string field = text::printable(evidence.field);
    Row row{unique(field), {}};
    row.cells = {
        {text::printable(evidence.text), exact_text(evidence.value, Unit::kCount), evidence.value, Tone::kPlain},
        {field, field + " = " + exact_text(evidence.value, Unit::kCount), {}, Tone::kDim}};
    rows.push_back(std::move(row));
  }
  return rows;
}

// A line that does what is advised, for whom there is one.
std::string code_for(const TargetSnapshot& target, const Advice& advice) {
  const bool is_go = target.runtime == "go";
  const std::string subject = text::printable(advice.subject);
  const std::string number = advice.recommended ? std::to_string(*advice.recommended) : "";
  if (advice.kind == "adopt_pool")
    return (is_go ? "var pool = sync.Pool{New: func() any { return new(T) }}"
                  : "poolscope::ObjectPool<T> pool({.name = \"NAME\"});") +
           ("  // for " + subject);
  if (number.empty() || !text::asks_for_something(advice)) return "";
  if (advice.kind == "reserve")
    return is_go ? "make([]T, 0, n)  // n times the size of T: " + number + " bytes; in " + subject
                 : "buffer.reserve(" + number + ");  // bytes; in " + subject;
  const auto* pool = find_pool(target, advice.subject);
  if (pool == nullptr || pool->kind != "poolscope") return "";
  if (advice.kind == "buffer_bytes") return ".buffer_bytes = {" + number + "},  // " + subject;
  return "." + text::printable(advice.kind) + " = " + number + ",  // " + subject;
}

std::string configuration_for(const TargetSnapshot& target, const Advice& advice) {
  if (!text::asks_for_something(advice)) return "";
  if (advice.kind == "tuning" && target.gc && target.gc->gogc_percent)
    return "GOGC=" + text::format_count(*target.gc->gogc_percent * 2);
  if (!advice.recommended || advice.kind == "reserve") return "";
  return text::printable(advice.kind) + ": " + std::to_string(*advice.recommended) + "  # " +
         text::printable(advice.subject);
}

std::string whole_text(const AdviceDetail& detail) {
  std::string all = detail.heading + ": " + detail.action + "\n";
  for (const std::string* part : {&detail.gain, &detail.confidence, &detail.why})
    if (!part->empty()) all += *part + "\n";
  for (const Row& row : detail.evidence) all += "  " + row.cells[0].text + "  " + row.cells[1].text + "\n";
  if (!detail.alternatives.empty()) all += "instead: " + printable_joined(detail.alternatives, "; ") + "\n";
  if (!detail.reevaluate_when.empty())
    all += "look again when: " + printable_joined(detail.reevaluate_when, "; ") + "\n";
  return all;
}

AdviceDetail detail_of(const TargetSnapshot& target, const Advice& advice, std::string id) {
  AdviceDetail detail;
  detail.id = std::move(id);
  detail.subject = {target.name, advice.subject};
  detail.heading = text::printable(target.name) + "  " + text::printable(advice.subject);
  detail.action = text::advice_action(advice);
  detail.gain = text::advice_gain(advice);
  detail.why = text::printable(advice.why);
  detail.confidence = confidence_of(advice);
  detail.tone = tone_of(advice);
  detail.effect = effect_of(advice);
  detail.facts = facts_of_advice(advice);
  detail.evidence = evidence_rows(advice);
  for (const auto& text : advice.alternatives) detail.alternatives.push_back(text::printable(text));
  for (const auto& text : advice.reevaluate_when) detail.reevaluate_when.push_back(text::printable(text));
  detail.as_text = whole_text(detail);
  detail.as_code = code_for(target, advice);
  detail.as_configuration = configuration_for(target, advice);
  return detail;
}

Row advice_row(const TargetSnapshot& target, const Advice& advice, const AdviceDetail& detail) {
  Row row{detail.id, {}};
  const double cores = saved_cores(target, advice);
  const bool asks = text::asks_for_something(advice);
  row.cells = {{model::verdict_name(advice.verdict), detail.confidence, {}, detail.tone},
               {text::printable(advice.subject), detail.heading, {}, Tone::kPlain},
               {text::printable(target.name), text::identity(target), {}, Tone::kDim},
               {detail.action, detail.action + "\n" + detail.why, {}, asks ? detail.tone : Tone::kDim}};
  Cell gain{"–", "nothing is to be done", {}, Tone::kDim};
  if (asks && advice.saved_cpu_ratio) {
    gain = cell_of(advice.saved_cpu_ratio, Unit::kRatio, "", "");
    gain.number = cores;
    gain.tooltip += " of the CPU time of the target";
  } else if (asks) {
    gain.tooltip = "what it saves is not told";
  }
  row.cells.push_back(std::move(gain));
  return row;
}

Row outcome_row(const TargetSnapshot& target, const AdviceOutcome& outcome, std::string id) {
  const Unit unit = outcome.unit == "bytes" ? Unit::kBytes : Unit::kCount;
  const auto value = [&](std::uint64_t number) { return short_text(static_cast<double>(number), unit); };
  Row row{std::move(id), {}};
  const std::string said = text::outcome_text(outcome);
  row.cells = {
      {text::utc_time(outcome.changed_unix_ns), said, static_cast<double>(outcome.changed_unix_ns), Tone::kDim},
      {text::printable(outcome.subject), text::printable(target.name) + "\n" + said, {}, Tone::kPlain},
      {text::printable(outcome.kind) + " " + value(outcome.from) + " → " + value(outcome.to), said, {}, Tone::kPlain}};
  const auto interval_cell = [](const model::MaybeEstimate& estimate, const char* absent) {
    Cell cell = cell_of(estimate, Unit::kRatio, "", absent);
    if (estimate) cell.text = text::estimate_text(estimate, text::format_ratio);
    return cell;
  };
  row.cells.push_back(interval_cell(outcome.predicted_saved_cpu_ratio, "nothing was predicted"));
  row.cells.push_back(interval_cell(outcome.realised_saved_cpu_ratio, "too little was seen before or since to tell"));
  row.cells.push_back(cell_of(outcome.predicted_hit_ratio, Unit::kRatio, "", "nothing was predicted"));
  row.cells.push_back(cell_of(outcome.realised_hit_ratio, Unit::kRatio, "", "too little was seen"));
  row.cells.push_back(cell_of(std::optional(outcome.seen_seconds), Unit::kSeconds, "", ""));
  return row;
}

void say_notes(AdvicePage& page, const ViewerState& state) {
  const auto asking = std::ranges::count_if(
      page.rows, [](const Row& row) { return row.cells[0].tone == Tone::kBad || row.cells[0].tone == Tone::kWarning; });
  page.note = text::format_exact(static_cast<std::uint64_t>(asking)) + " to act on, " +
              text::format_exact(page.rows.size() - static_cast<std::size_t>(asking)) + " as they are";
  if (page.rows.empty()) {
    page.note = state.is_live()
                    ? "none was given yet: an agent looks at its advice every 20 s, and advises on pools and on "
                      "call sites with enough evidence"
                    : "none: there is no pool, and no call site where one would pay";
  }
  if (page.outcomes.empty())
    page.outcomes_note = "nothing that was advised was followed while an agent looked on (see --advice.state-file)";
}

}  // namespace

AdvicePage make_advice_page(const ViewerState& state) {
  AdvicePage page;
  if (state.shown() == nullptr) return page;
  UniqueIds unique, unique_outcomes;
  std::vector<std::pair<Row, AdviceDetail>> asking, resting;
  for (const TargetSnapshot& shown : state.shown()->targets) {
    const TargetSnapshot* target = advised_target(state, shown.name);
    if (target != nullptr) {
      for (const Advice& advice : target->advice) {
        AdviceDetail detail = detail_of(*target, advice, unique(pool_id({target->name, advice.subject})));
        Row row = advice_row(*target, advice, detail);
        (text::asks_for_something(advice) ? asking : resting).emplace_back(std::move(row), std::move(detail));
      }
    }
    for (const AdviceOutcome& outcome : shown.advice_outcomes)
      page.outcomes.push_back(outcome_row(shown, outcome, unique_outcomes(pool_id({shown.name, outcome.subject}))));
  }
  std::ranges::stable_sort(asking, [](const auto& one, const auto& other) {
    return one.first.cells.back().number.value_or(-1) > other.first.cells.back().number.value_or(-1);
  });
  for (auto* list : {&asking, &resting}) {
    for (auto& [row, detail] : *list) {
      page.rows.push_back(std::move(row));
      page.details.push_back(std::move(detail));
    }
  }
  say_notes(page, state);
  return page;
}

Table make_advice_table() {
  return Table({{"verdict", "keep, change, adopt, drop, fix, tune, or wait for more evidence", false},
                {"pool or call site", "", false},
                {"target", "", false},
                {"what to do", "", false},
                {"saves", "share of the CPU time of the target; sorted by CPU time", true, true}});
}

Table make_evidence_table() {
  return Table({{"value", "as the reason says it", true, true},
                {"field of the snapshot", "where the number comes from", false}});
}

Table make_outcome_table() {
  return Table(
      {{"changed at", "", true, true},
       {"pool", "", false},
       {"what was changed", "", false},
       {"predicted", "CPU time saved, 95 % interval", true, true},
       {"realised", "CPU time per get saved since, 95 % interval; whatever else changed then is in it", true, true},
       {"hits pred.", "hit ratio that was predicted", true, true},
       {"hits real.", "hit ratio since", true, true},
       {"seen", "since the change", true, true}});
}

}  // namespace poolscope::viewer
