#include <algorithm>
#include <utility>

#include "exporters/text/advice_wording.h"
#include "exporters/text/distribution.h"
#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "exporters/text/pool_table.h"
#include "exporters/text/report.h"
#include "exporters/text/site_table.h"
#include "exporters/text/wording.h"

namespace poolscope::text {
namespace {

using model::TargetSnapshot;

constexpr unsigned kIndent = 2;
constexpr unsigned kMinColumns = 40;
constexpr std::size_t kMaxCallSites = 10;
constexpr std::size_t kMaxGrowthChains = 5;
constexpr std::size_t kMaxPools = 12;
constexpr std::size_t kMaxAdvice = 8;

void append(Lines& lines, const Lines& more) {
  lines.insert(lines.end(), more.begin(), more.end());
}

Line indented(std::string text, Tone tone = Tone::kPlain) {
  return std::move(Line(std::string(kIndent, ' ')).add(std::move(text), tone));
}

// Wrapped to the width, from `indent` on.
Lines paragraph(const std::string& text, unsigned indent, unsigned width, Tone tone = Tone::kPlain) {
  Lines lines;
  for (std::string& part : wrap(text, width - indent)) {
    lines.push_back(std::move(Line(std::string(indent, ' ')).add(std::move(part), tone)));
  }
  return lines;
}

Line heading(const model::Snapshot& snapshot) {
  Line line;
  line.add("poolscope " + printable(snapshot.agent.version), Tone::kStrong);
  line.add("   " + utc_time(snapshot.time_unix_ns), Tone::kDim);
  const bool is_exact = !snapshot.targets.empty() && std::ranges::all_of(snapshot.targets, &TargetSnapshot::exact);
  line.add(is_exact ? "   every event traced, no budget"
                    : "   budget " + format_ratio(snapshot.agent.budget_cpu_ratio) + " of each target's CPU",
           Tone::kDim);
  return line;
}

Lines title(const TargetSnapshot& target, unsigned width) {
  std::string rule;
  for (unsigned i = 0; i < width; ++i) rule += "─";
  Line name(printable(target.name), Tone::kStrong);
  name.add("   " + identity(target), Tone::kDim);
  return {name, Line(rule, Tone::kDim)};
}

// `text` from the end of `line` on, wrapped into further lines that begin at `column`.
void append_wrapped(Lines& lines, Line line, const std::string& text, unsigned column, unsigned width, Tone tone) {
  for (std::string& part : wrap(text, width - column)) {
    lines.push_back(std::move(line.add(std::move(part), tone)));
    line = Line(std::string(column, ' '));
  }
}

// The note goes beside the value, wrapped there when the line has room for words, else below it.
void append_value(Lines& lines, Line line, const Quantity& quantity, unsigned column, unsigned width) {
  constexpr unsigned kValueColumns = 12, kGap = 3, kMinNoteColumns = 24;
  line.add_right(quantity.value, kValueColumns, Tone::kStrong);
  if (!quantity.interval.empty()) line.add("   (" + quantity.interval + ")", Tone::kDim);
  const unsigned needed = quantity.interval.empty() ? kMinNoteColumns : width;
  const unsigned beside = line.width() + kGap;
  if (beside + std::min(display_width(quantity.note), needed) > width || quantity.note.empty()) {
    lines.push_back(std::exchange(line, Line(std::string(column, ' '))));
  }
  line.add(std::string(kGap, ' '));
  const unsigned note_column = line.width();
  append_wrapped(lines, std::move(line), quantity.note, note_column, width, Tone::kPlain);
}

Lines quantity_lines(const TargetSnapshot& target, unsigned width) {
  constexpr unsigned kColumn = kIndent + 15;
  Lines lines;
  for (const Quantity& quantity : quantities(target)) {
    Line line = indented(quantity.name);
    line.pad_to(kColumn);
    if (quantity.value.empty()) {
      append_wrapped(lines, std::move(line), quantity.note, kColumn, width, Tone::kDim);
    } else {
      append_value(lines, std::move(line), quantity, kColumn, width);
    }
  }
  return lines;
}

struct BarRow {
  std::string label;
  double share;
};

// A title and one bar per row, `columns` wide at most; bars are relative to the longest.
Lines bars(Line title, const std::vector<BarRow>& rows, unsigned columns) {
  constexpr unsigned kLabelColumns = 16, kGap = 2, kShareColumns = 11, kMinBar = 4, kMaxBar = 40;
  constexpr unsigned kBeside = kLabelColumns + kGap + kShareColumns;
  const unsigned bar_columns = std::clamp(columns > kBeside ? columns - kBeside : 0, kMinBar, kMaxBar);
  double longest = 0;
  for (const BarRow& row : rows) longest = std::max(longest, row.share);
  Lines lines{std::move(title)};
  for (const BarRow& row : rows) {
    const std::string drawn = bar(longest > 0 ? row.share / longest : 0, bar_columns);
    Line line;
    line.add_right(row.label, kLabelColumns, Tone::kDim).add(std::string(kGap, ' ')).add(drawn, Tone::kBar);
    const unsigned left = bar_columns - display_width(drawn) + kShareColumns;
    lines.push_back(std::move(line.add_right(format_ratio(row.share), left)));
  }
  return lines;
}

Lines size_bars(const model::SizeSummary& sizes, unsigned columns) {
  std::vector<BarRow> rows;
  for (const auto& row : size_rows(sizes.buckets)) rows.push_back({size_label(row), row.share});
  Line title = indented("sizes", Tone::kStrong);
  const auto bytes = [](std::uint64_t value) { return format_bytes(static_cast<double>(value)); };
  title.add("   p50 " + bytes(sizes.p50) + "   p95 " + bytes(sizes.p95) + "   p99 " + bytes(sizes.p99));
  return bars(std::move(title), rows, columns);
}

Lines lifetime_bars(const model::LifetimeSummary& lifetime, unsigned columns) {
  std::vector<BarRow> rows;
  for (const auto& row : lifetime_rows(lifetime)) rows.push_back({lifetime_label(row), row.share});
  const std::string beyond = "over " + format_seconds(lifetime.identified_below_seconds);
  const auto quantile = [&](const std::optional<double>& age) { return age ? format_seconds(*age) : beyond; };
  Line title = indented("lifetimes", Tone::kStrong);
  title.add("   p50 " + quantile(lifetime.p50_seconds) + "   p95 " + quantile(lifetime.p95_seconds));
  return bars(std::move(title), rows, columns);
}

Lines size_class_bars(const model::GcSummary& gc, unsigned columns) {
  std::vector<BarRow> rows;
  for (const auto& row : size_rows(gc_size_buckets(gc))) rows.push_back({size_label(row), row.share});
  if (rows.empty()) return {};
  return bars(
      std::move(indented("sizes", Tone::kStrong).add("   of all Go objects since the program started", Tone::kDim)),
      rows, columns);
}

Lines distributions(const model::AllocationSummary& allocations, unsigned width) {
  constexpr unsigned kSideBySide = 96, kGap = 2;
  const bool both = allocations.size_bytes && allocations.lifetime && width >= kSideBySide;
  const unsigned columns = both ? (width - kGap) / 2 : width;
  Lines sizes, lifetimes;
  if (allocations.size_bytes) sizes = size_bars(*allocations.size_bytes, columns);
  if (allocations.lifetime) lifetimes = lifetime_bars(*allocations.lifetime, columns);
  if (both) return beside(sizes, lifetimes, columns + kGap);
  if (!sizes.empty() && !lifetimes.empty()) sizes.emplace_back();
  append(sizes, lifetimes);
  return sizes;
}

Lines ages(const model::LifetimeSummary& lifetime, unsigned width) {
  std::string text = "freed within";
  const char* separator = " ";
  for (const std::string& age : freed_within(lifetime)) {
    text += separator + age;
    separator = ", ";
  }
  return lifetime.below.empty() ? Lines{} : paragraph(text, kIndent, width);
}

Line collector_line(const model::CollectorStatus& collector, unsigned name_columns) {
  using State = model::CollectorState;
  const bool works = collector.state == State::kCollecting;
  const Tone tone = works ? Tone::kGood : collector.state == State::kIdle ? Tone::kWarning : Tone::kBad;
  Line line("    ");
  line.add(works ? "●" : collector.state == State::kIdle ? "○" : "✕", tone);
  line.add(" " + printable(collector.name)).pad_to(6 + name_columns + 2).add(printable(collector.level), Tone::kDim);
  line.pad_to(6 + name_columns + 6).add(model::state_name(collector.state), tone);
  if (!collector.reason.empty()) line.pad_to(6 + name_columns + 19).add(printable(collector.reason), Tone::kDim);
  return line;
}

Lines collector_lines(const TargetSnapshot& target, unsigned width) {
  constexpr unsigned kDetailIndent = 8;
  unsigned name_columns = 0;
  for (const auto& collector : target.collectors) {
    name_columns = std::max(name_columns, display_width(printable(collector.name)));
  }
  Lines lines{indented("collectors", Tone::kStrong)};
  if (target.collectors.empty()) lines.push_back(indented("  none runs on this target", Tone::kDim));
  for (const auto& collector : target.collectors) {
    lines.push_back(collector_line(collector, std::min(name_columns, width / 3)));
    append(lines, paragraph(printable(collector_note(target, collector)), kDetailIndent, width, Tone::kDim));
  }
  return lines;
}

Lines cost_lines(const TargetSnapshot& target, double budget_cpu_ratio, unsigned width) {
  const bool over = !target.exact && target.cost.charged_cpu_ratio.value_or(0) > budget_cpu_ratio;
  Lines lines =
      paragraph(cost_sentence(target, budget_cpu_ratio), kIndent, width, over ? Tone::kWarning : Tone::kPlain);
  for (const std::string& remark : cost_remarks(target.cost))
    append(lines, paragraph(remark, kIndent, width, Tone::kDim));
  return lines;
}

Lines measured_lines(const TargetSnapshot& target, unsigned width) {
  Lines lines = quantity_lines(target, width);
  const auto section = [&](const Lines& part) {
    if (part.empty()) return;
    lines.emplace_back();
    append(lines, part);
  };
  section(distributions(target.allocations, width));
  if (target.gc) section(size_class_bars(*target.gc, width));
  if (target.allocations.lifetime) section(ages(*target.allocations.lifetime, width));
  section(call_site_table(target, width, kMaxCallSites));
  section(growth_chain_table(target, width, kMaxGrowthChains));
  section(pool_table(target, width, kMaxPools));
  section(advice_section(target, width, kMaxAdvice));
  return lines;
}

Lines nothing_lines(const TargetSnapshot& target, unsigned width) {
  Lines lines{indented("Nothing was measured.", Tone::kWarning)};
  append(lines, paragraph(why_nothing(target), kIndent, width));
  append(lines, paragraph("Next: " + next_step(target), kIndent, width));
  return lines;
}

Lines target_lines(const TargetSnapshot& target, double budget_cpu_ratio, unsigned width) {
  Lines lines = title(target, width);
  append(lines, was_measured(target) ? measured_lines(target, width) : nothing_lines(target, width));
  lines.emplace_back();
  append(lines, collector_lines(target, width));
  lines.emplace_back();
  append(lines, cost_lines(target, budget_cpu_ratio, width));
  return lines;
}

}  // namespace

std::string report_text(const model::Snapshot& snapshot, const Style& style) {
  const Style used{style.colour, std::max(style.width_columns, kMinColumns)};
  Lines lines{heading(snapshot)};
  if (snapshot.targets.empty()) {
    lines.emplace_back();
    append(
        lines,
        paragraph("No target. Name one: `poolscope attach PID|NAME`, or `targets:` in the configuration of the agent.",
                  0, used.width_columns));
  }
  for (const auto& target : snapshot.targets) {
    lines.emplace_back();
    append(lines, target_lines(target, snapshot.agent.budget_cpu_ratio, used.width_columns));
  }
  std::string text;
  for (const Line& line : lines) text += line.render(used) + "\n";
  return text;
}

}  // namespace poolscope::text
