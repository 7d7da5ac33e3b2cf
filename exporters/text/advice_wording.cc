#include "exporters/text/advice_wording.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "exporters/text/format.h"
#include "exporters/text/wording.h"

namespace poolscope::text {
namespace {

using model::Advice;
using model::Verdict;

constexpr unsigned kIndent = 4, kTextIndent = 6;

std::string with_unit(const std::string& unit, std::uint64_t value) {
  if (unit == "bytes") return format_bytes(static_cast<double>(value));
  return format_exact(value) + (unit.empty() ? "" : " " + printable(unit));
}

std::string change_text(const std::string& kind, const std::string& unit, std::uint64_t from, std::uint64_t to) {
  return printable(kind) + " " + with_unit(unit, from) + " → " + with_unit(unit, to);
}

Tone tone_of(Verdict verdict) {
  if (verdict == Verdict::kFix) return Tone::kBad;
  if (verdict == Verdict::kKeep) return Tone::kGood;
  return verdict == Verdict::kWait ? Tone::kDim : Tone::kWarning;
}

void add_paragraph(Lines& lines, const std::string& text, unsigned width, Tone tone) {
  for (std::string& part : wrap(text, width - kTextIndent))
    lines.push_back(std::move(Line(std::string(kTextIndent, ' ')).add(std::move(part), tone)));
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : "; ") + printable(text);
  return all;
}

// "may stay as they are: a, b"; empty: no advice has this verdict.
std::string names_with(const model::TargetSnapshot& target, Verdict verdict, const char* heading) {
  std::vector<std::string> names;
  for (const Advice& advice : target.advice)
    if (advice.verdict == verdict && std::ranges::find(names, advice.subject) == names.end())
      names.push_back(advice.subject);
  constexpr std::size_t kMostNames = 8;
  const std::size_t left_out = names.size() - std::min(names.size(), kMostNames);
  names.resize(names.size() - left_out);
  if (names.empty()) return "";
  std::string text = heading;
  for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? " " : ", ") + printable(names[i]);
  return left_out == 0 ? text : text + " and " + format_exact(left_out) + " more";
}

}  // namespace

bool asks_for_something(const Advice& advice) {
  return advice.verdict != Verdict::kKeep && advice.verdict != Verdict::kWait;
}

std::string advice_action(const Advice& advice) {
  if (advice.kind == "adopt_pool") return "adopt a pool";
  if (advice.kind == "drop_pool") return "drop the pool";
  if (advice.kind == "tuning") return "tune the collector";
  if (advice.kind == "misuse") return "fix its use";
  if (!advice.recommended) return advice.verdict == Verdict::kWait ? "too early to tell" : "keep";
  if (advice.current) return change_text(advice.kind, advice.unit, *advice.current, *advice.recommended);
  return printable(advice.kind) + " " + with_unit(advice.unit, *advice.recommended);
}

std::string advice_gain(const Advice& advice) {
  std::string text;
  if (!asks_for_something(advice)) return text;
  if (advice.saved_cpu_ratio) {
    text = "saves " + estimate_text(advice.saved_cpu_ratio, format_ratio) + " of the CPU time";
  }
  if (advice.saved_bytes && std::abs(*advice.saved_bytes) >= 1) {
    text += text.empty() ? "" : ", ";
    text += (*advice.saved_bytes > 0 ? "gives back " : "takes ") + format_bytes(std::abs(*advice.saved_bytes));
  }
  return text;
}

std::string outcome_text(const model::AdviceOutcome& outcome) {
  std::string text = printable(outcome.subject) + ": " +
                     change_text(outcome.kind, outcome.unit, outcome.from, outcome.to) + " at " +
                     utc_time(outcome.changed_unix_ns) + ": ";
  if (outcome.realised_saved_cpu_ratio) {
    text += "saved " + estimate_text(outcome.realised_saved_cpu_ratio, format_ratio) + " of the CPU time per get";
  } else {
    text += "too little was seen before or since (" + format_seconds(outcome.seen_seconds) + ") to tell what it saved";
  }
  if (outcome.predicted_saved_cpu_ratio)
    text += ", predicted " + estimate_text(outcome.predicted_saved_cpu_ratio, format_ratio);
  if (!outcome.realised_hit_ratio) return text;
  text += "; hit ratio " + format_ratio(*outcome.realised_hit_ratio);
  return outcome.predicted_hit_ratio ? text + ", predicted " + format_ratio(*outcome.predicted_hit_ratio) : text;
}

const char* no_advice() {
  return "no advice: no pool and no call site of it is known; `poolscope report` tells what was measured";
}

Lines advice_lines(const Advice& advice, unsigned width) {
  Line head(std::string(kIndent, ' '));
  head.add(cut_middle(printable(advice.subject), width / 2), Tone::kStrong).add("   ");
  head.add(advice_action(advice), tone_of(advice.verdict));
  Lines lines{std::move(head)};
  if (const std::string gain = advice_gain(advice); !gain.empty()) add_paragraph(lines, gain, width, Tone::kStrong);
  add_paragraph(lines, printable(advice.why), width, Tone::kPlain);
  if (!advice.alternatives.empty()) add_paragraph(lines, "instead: " + joined(advice.alternatives), width, Tone::kDim);
  if (!advice.reevaluate_when.empty())
    add_paragraph(lines, "look again when: " + joined(advice.reevaluate_when), width, Tone::kDim);
  return lines;
}

Lines advice_section(const model::TargetSnapshot& target, unsigned width, std::size_t max_advice) {
  if (target.advice.empty() && target.advice_outcomes.empty()) return {};
  Lines lines{Line("  ").add("advice", Tone::kStrong)};
  std::size_t shown = 0, asking = 0;
  for (const Advice& advice : target.advice) {
    if (!asks_for_something(advice) || ++asking > max_advice) continue;
    const Lines one = advice_lines(advice, width);
    lines.insert(lines.end(), one.begin(), one.end());
    ++shown;
  }
  if (asking > shown)
    add_paragraph(lines, "and " + format_exact(asking - shown) + " more: `poolscope advise`", width, Tone::kDim);
  for (const std::string& names : advice_by_name(target)) add_paragraph(lines, names, width, Tone::kDim);
  for (const model::AdviceOutcome& outcome : target.advice_outcomes)
    add_paragraph(lines, "done: " + outcome_text(outcome), width, Tone::kPlain);
  return lines;
}

std::vector<std::string> advice_by_name(const model::TargetSnapshot& target) {
  std::vector<std::string> lines;
  for (const auto& [verdict, heading] :
       {std::pair{Verdict::kKeep, "as they are:"}, std::pair{Verdict::kWait, "too early to tell:"}}) {
    std::string names = names_with(target, verdict, heading);
    if (!names.empty()) lines.push_back(std::move(names));
  }
  return lines;
}

}  // namespace poolscope::text
