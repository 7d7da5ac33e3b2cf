#include <algorithm>
#include <array>
#include <utility>

#include "agent/compare/report.h"
#include "agent/compare/wording.h"
#include "exporters/text/line.h"

namespace poolscope::compare {
namespace {

using text::Line;
using text::Lines;
using text::Tone;

constexpr unsigned kGap = 2, kLabel = 10;
constexpr unsigned kNarrowestName = 24;

// The columns after the name.
enum Column { kBase, kNew, kChange, kInterval, kP, kSamples, kFinding, kColumns };
using Cells = std::array<std::string, kColumns>;
using Widths = std::array<unsigned, kColumns>;

Cells header_cells() {
  return {"BASE", "NEW", "NEW/BASE", "95 % interval", "p", "n", ""};
}

Cells cells_of(const Row& row) {
  return {value_words(row.base, row.metric.unit),
          value_words(row.fresh, row.metric.unit),
          change_words(row),
          interval_words(row),
          p_words(row),
          sample_words(row),
          finding_words(row)};
}

bool sizes_differ(const Comparison& comparison) {
  const std::string first = sample_words(comparison.rows.front());
  return std::ranges::any_of(comparison.rows, [&](const Row& row) { return sample_words(row) != first; });
}

struct Layout {
  unsigned name = 0;
  Widths widths{};  // 0: left out
};

unsigned all_of(const Widths& widths) {
  unsigned sum = 0;
  for (const unsigned width : widths) sum += width > 0 ? kGap + width : 0;
  return sum;
}

// One layout for all tables, so that columns stand below each other.
Layout layout_of(const Comparison& comparison, unsigned width) {
  Layout layout;
  const Cells header = header_cells();
  for (unsigned i = 0; i < kColumns; ++i) layout.widths[i] = text::display_width(header[i]);
  for (const Row& row : comparison.rows) {
    const Cells cells = cells_of(row);
    for (unsigned i = 0; i < kColumns; ++i)
      layout.widths[i] = std::max(layout.widths[i], text::display_width(cells[i]));
    layout.name = std::max(layout.name, text::display_width(text::printable(row.name)));
  }
  if (!sizes_differ(comparison)) layout.widths[kSamples] = 0;
  for (const Column dispensable : {kP, kSamples, kInterval}) {
    if (layout.name + all_of(layout.widths) > width) layout.widths[dispensable] = 0;
  }
  const unsigned rest = all_of(layout.widths);
  const unsigned room = width > rest + kNarrowestName ? width - rest : kNarrowestName;
  layout.name = std::min(layout.name, room);
  return layout;
}

Tone tone_of(Column column, const Row& row) {
  if (column == kInterval || column == kP || column == kSamples) return Tone::kDim;
  if (column != kChange && column != kFinding) return Tone::kPlain;
  if (row.finding == Finding::kBetter) return Tone::kGood;
  if (row.finding == Finding::kWorse) return Tone::kBad;
  return row.finding == Finding::kDifferent ? Tone::kStrong : Tone::kDim;
}

// A metric that is longer than the names has a line of its own.
void add_header(const Metric& metric, const Layout& layout, Lines& lines) {
  Line line(text::printable(metric_words(metric)), Tone::kStrong);
  if (line.width() > layout.name) lines.push_back(std::exchange(line, Line()));
  if (line.width() < layout.name) line.pad_to(layout.name);
  const Cells header = header_cells();
  for (unsigned i = 0; i < kColumns; ++i) {
    if (layout.widths[i] > 0)
      line.add_right(header[i], kGap + layout.widths[i], i <= kNew ? Tone::kStrong : Tone::kDim);
  }
  lines.push_back(std::move(line));
}

Line row_line(const Row& row, const Layout& layout) {
  Line line(text::cut_middle(text::printable(row.name), layout.name));
  if (line.width() < layout.name) line.pad_to(layout.name);
  const Cells cells = cells_of(row);
  for (unsigned i = 0; i < kFinding; ++i) {
    if (layout.widths[i] > 0) line.add_right(cells[i], kGap + layout.widths[i], tone_of(Column(i), row));
  }
  if (!cells[kFinding].empty()) line.add("  " + cells[kFinding], tone_of(kFinding, row));
  return line;
}

Line mean_line(const GeometricMean& mean, const Layout& layout) {
  const auto& widths = layout.widths;
  Line line("geomean", Tone::kDim);
  line.add_right(format_change(mean.ratio),
                 layout.name + 3 * kGap + widths[kBase] + widths[kNew] + widths[kChange] - line.width());
  return line;
}

void add_tables(const Comparison& comparison, const Layout& layout, Lines& lines) {
  const auto& rows = comparison.rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string& metric = rows[i].metric.name;
    if (i == 0 || rows[i - 1].metric.name != metric) {
      lines.emplace_back();
      add_header(rows[i].metric, layout, lines);
    }
    lines.push_back(row_line(rows[i], layout));
    const bool is_last = i + 1 == rows.size() || rows[i + 1].metric.name != metric;
    const auto mean = std::ranges::find(comparison.means, metric, &GeometricMean::metric);
    if (is_last && mean != comparison.means.end()) lines.push_back(mean_line(*mean, layout));
  }
}

Line labelled(const char* label, const std::string& value) {
  Line line(label, Tone::kStrong);
  line.pad_to(kLabel);
  return std::move(line.add(text::printable(value)));
}

Tone tone_of(Status status) {
  return status == Status::kMet ? Tone::kGood : status == Status::kPartial ? Tone::kWarning : Tone::kBad;
}

Line criterion_line(Status status, const std::string& words) {
  Line line(status_name(status), tone_of(status));
  line.pad_to(kLabel);
  return std::move(line.add(words));
}

void add_wrapped(const std::string& words, unsigned indent, unsigned width, Lines& lines) {
  for (std::string& part : text::wrap(words, width - indent)) {
    lines.push_back(std::move(Line(std::string(indent, ' ')).add(std::move(part))));
  }
}

void add_criteria(const Comparison& comparison, std::span<const Judgement> judgements, unsigned width, Lines& lines) {
  if (judgements.empty()) return;
  lines.emplace_back();
  lines.push_back(labelled("CRITERIA", summary_words(judgements)));
  for (const Judgement& judgement : judgements) {
    const auto& criterion = judgement.criterion;
    const Row* first = judgement.rows.empty() ? nullptr : &comparison.rows[judgement.rows.front().row];
    lines.push_back(criterion_line(
        judgement.status, text::printable(criterion_words(criterion) + ": " + target_words(criterion, first))));
    if (first == nullptr)
      add_wrapped("no row of this comparison matches `" + text::printable(criterion.benchmark) + "`", kLabel, width,
                  lines);
    for (const JudgedRow& judged : judgement.rows) {
      const Row& row = comparison.rows[judged.row];
      const std::string status = judgement.rows.size() > 1 ? std::string(status_name(judged.status)) + ": " : "";
      add_wrapped(status + text::printable(row.name) + ": " + actual_words(criterion, judged, row), kLabel, width,
                  lines);
    }
  }
}

void add_notes(const Comparison& comparison, unsigned width, Lines& lines) {
  lines.emplace_back();
  for (const std::string& note : notes(comparison)) {
    for (std::string& part : text::wrap(text::printable(note), width)) lines.emplace_back(std::move(part), Tone::kDim);
  }
}

}  // namespace

std::string comparison_text(const Comparison& comparison, std::span<const Judgement> judgements,
                            const text::Style& style) {
  const Layout layout = layout_of(comparison, style.width_columns);
  Lines lines = {labelled("compare", kind_words(comparison)), labelled("BASE", comparison.base),
                 labelled("NEW", comparison.fresh)};
  add_tables(comparison, layout, lines);
  add_notes(comparison, style.width_columns, lines);
  add_criteria(comparison, judgements, style.width_columns, lines);
  std::string all;
  for (const Line& line : lines) all += line.render(style) + "\n";
  return all;
}

}  // namespace poolscope::compare
