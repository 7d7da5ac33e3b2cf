#include "ui/model/compare.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "agent/compare/comparison.h"
#include "agent/compare/snapshot_series.h"
#include "agent/compare/wording.h"
#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "exporters/text/report.h"
#include "exporters/text/wording.h"
#include "ui/model/target_facts.h"

namespace poolscope::viewer {
namespace {

using compare::Finding;

double observed_seconds(const model::Snapshot& snapshot) {
  double seconds = 0;
  for (const auto& target : snapshot.targets)
    if (std::isfinite(target.cost.observed_seconds)) seconds = std::max(seconds, target.cost.observed_seconds);
  return seconds;
}

TimeRange range_of_moment(const model::Snapshot& snapshot) {
  const double seconds = std::clamp(observed_seconds(snapshot), 0.0, 1e9);
  const auto length = static_cast<std::uint64_t>(seconds * kNsPerSecond);
  return {snapshot.time_unix_ns - std::min(length, snapshot.time_unix_ns), snapshot.time_unix_ns};
}

std::string warning_of(const model::Snapshot& base, const model::Snapshot& fresh) {
  if (base.agent.boot_id != fresh.agent.boot_id) return "";
  const TimeRange one = range_of_moment(base), other = range_of_moment(fresh);
  const std::uint64_t from = std::max(one.from_ns, other.from_ns), to = std::min(one.to_ns, other.to_ns);
  if (to <= from) return "";
  return "BASE and NEW share " + text::format_seconds(std::round(static_cast<double>(to - from) / kNsPerSecond)) +
         ": what they share makes them alike, and the intervals promise more than they can hold. Wait, or choose "
         "ranges that do not "
         "overlap.";
}

Tone tone_of_finding(Finding finding) {
  switch (finding) {
    case Finding::kBetter:
      return Tone::kGood;
    case Finding::kWorse:
      return Tone::kBad;
    case Finding::kDifferent:
      return Tone::kWarning;
    default:
      return Tone::kDim;
  }
}

// What matters most first.
int rank_of(Finding finding) {
  switch (finding) {
    case Finding::kWorse:
      return 0;
    case Finding::kBetter:
      return 1;
    case Finding::kDifferent:
      return 2;
    case Finding::kNone:
      return 3;
    default:
      return 4;
  }
}

double size_of_change(const compare::Row& row) {
  return row.ratio && *row.ratio > 0 ? std::abs(std::log(*row.ratio)) : 0;
}

Cell side_cell(const compare::Side& side, compare::Unit unit) {
  Cell cell{compare::value_words(side, unit), compare::format_value(unit, side.value), side.value, Tone::kPlain};
  if (side.interval)
    cell.tooltip += "\n95 % interval " + compare::format_value(unit, side.interval->low) + " – " +
                    compare::format_value(unit, side.interval->high);
  else
    cell.tooltip += "\nno interval: it was counted, or too few bursts saw it";
  return cell;
}

std::string or_dash(std::string text) {
  return text.empty() ? "–" : text;
}

Row compare_row(const compare::Row& row, std::string id) {
  const Tone tone = tone_of_finding(row.finding);
  const std::string interval = compare::interval_words(row), p = compare::p_words(row);
  Row shown{std::move(id), {}};
  shown.cells.push_back({text::printable(row.name), text::printable(row.name), {}, Tone::kPlain});
  shown.cells.push_back({row.metric.name, compare::metric_words(row.metric), {}, Tone::kDim});
  shown.cells.push_back(side_cell(row.base, row.metric.unit));
  shown.cells.push_back(side_cell(row.fresh, row.metric.unit));
  std::string change = row.ratio ? compare::format_change(*row.ratio) : "not a ratio";
  if (!interval.empty()) change += "\n95 % interval " + interval;
  shown.cells.push_back({compare::change_words(row), change, row.ratio, tone});
  shown.cells.push_back({or_dash(interval), change, {}, interval.empty() ? Tone::kDim : Tone::kPlain});
  shown.cells.push_back({or_dash(p), "corrected for the number of rows (Holm)", row.p_holm, Tone::kDim});
  shown.cells.push_back({or_dash(compare::finding_words(row)), change, {}, tone});
  return shown;
}

// The number and the text of that cell of compare_row(), without the others.
std::optional<double> compare_number(const compare::Row& row, std::size_t column) {
  switch (column) {
    case compare_columns::kBase:
      return row.base.value;
    case compare_columns::kNew:
      return row.fresh.value;
    case compare_columns::kChange:
      return row.ratio;
    case compare_columns::kP:
      return row.p_holm;
    default:
      return std::nullopt;
  }
}

std::string compare_text(const compare::Row& row, std::size_t column) {
  switch (column) {
    case compare_columns::kName:
      return text::printable(row.name);
    case compare_columns::kMetric:
      return row.metric.name;
    case compare_columns::kInterval:
      return or_dash(compare::interval_words(row));
    case compare_columns::kFinding:
      return or_dash(compare::finding_words(row));
    default:
      return "";
  }
}

void say_compare_headline(ComparePage& page, const std::vector<compare::Row>& rows) {
  const auto count = [&](Finding finding) { return std::ranges::count(rows, finding, &compare::Row::finding); };
  const std::ptrdiff_t better = count(Finding::kBetter), worse = count(Finding::kWorse);
  const auto add = [&](std::ptrdiff_t number, const char* what) {
    if (number > 0)
      page.headline +=
          (page.headline.empty() ? "" : ", ") + text::format_exact(static_cast<std::uint64_t>(number)) + what;
  };
  add(worse, " worse");
  add(better, " better");
  add(count(Finding::kDifferent), " different");
  add(count(Finding::kNone), " not told apart");
  add(count(Finding::kUntested), " not tested");
  page.headline_tone = worse > 0 ? Tone::kBad : better > 0 ? Tone::kGood : Tone::kPlain;
}

}  // namespace

std::optional<Moment> moment_of(const ViewerState& state) {
  if (state.shown() == nullptr) return std::nullopt;
  Moment moment;
  moment.snapshot = state.shared_shown();
  moment.label = text::printable(state.address());
  moment.of_time = text::utc_time(moment.snapshot->time_unix_ns) + ", " +
                   text::format_seconds(std::round(observed_seconds(*moment.snapshot)));
  moment.id = state.revision();
  return moment;
}

ComparePage make_compare_page(const std::optional<Moment>& base, const std::optional<Moment>& fresh,
                              bool only_differences) {
  ComparePage page;
  if (!base || !fresh) {
    page.absent =
        !fresh
            ? "Nothing is there to compare yet."
            : "BASE is missing: keep what is shown as BASE (key b) and look again later or at another range, or open a "
              "second recording, report or agent as BASE.";
    return page;
  }
  auto compared = compare::compare(compare::series_of_report(*base->snapshot, base->label),
                                   compare::series_of_report(*fresh->snapshot, fresh->label));
  if (!compared) {
    page.absent = "BASE and NEW cannot be compared: " + text::printable(compared.error());
    return page;
  }
  page.warning = warning_of(*base->snapshot, *fresh->snapshot);
  say_compare_headline(page, compared->rows);
  for (const std::string& note : compare::notes(*compared)) page.notes.push_back(text::printable(note));
  std::ranges::stable_sort(compared->rows, [](const compare::Row& one, const compare::Row& other) {
    const int a = rank_of(one.finding), b = rank_of(other.finding);
    return a != b ? a < b : size_of_change(one) > size_of_change(other);
  });
  UniqueIds unique;
  if (only_differences)
    std::erase_if(compared->rows,
                  [](const compare::Row& row) { return rank_of(row.finding) >= rank_of(Finding::kNone); });
  page.rows = std::move(compared->rows);
  for (const compare::Row& row : page.rows)
    page.ids.push_back(unique(text::printable(row.name) + "." + row.metric.name));
  return page;
}

RowMaker compare_rows(std::shared_ptr<const ComparePage> page) {
  return {page->rows.size(), [page](std::size_t index) { return compare_row(page->rows[index], page->ids[index]); },
          [page](std::size_t index, std::size_t column) { return compare_number(page->rows[index], column); },
          [page](std::size_t index, std::size_t column) { return compare_text(page->rows[index], column); }};
}

Table make_compare_table() {
  return Table({{"target or pool", "", false},
                {"metric", "", false},
                {"BASE", "with half the width of its 95 % interval", true, true},
                {"NEW", "with half the width of its 95 % interval", true, true},
                {"NEW/BASE", "~ not told apart, ? not tested, = equal", true, true},
                {"95 % interval", "of the change", false},
                {"p", "chance of such a difference when there is none, corrected for the number of rows", true, true},
                {"", "better, worse, or different where it is not known which is better", false}});
}

}  // namespace poolscope::viewer
