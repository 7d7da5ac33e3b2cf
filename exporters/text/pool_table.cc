#include "exporters/text/pool_table.h"

#include <algorithm>

#include "exporters/text/format.h"
#include "exporters/text/pool_wording.h"
#include "exporters/text/report.h"

namespace poolscope::text {
namespace {

using model::PoolSummary;
using model::TargetSnapshot;

constexpr unsigned kIndent = 2, kNotes = 4, kGap = 2;
constexpr unsigned kGets = 10, kRate = 9, kHitRatio = 8, kInterval = 14, kExactCount = 12;
constexpr unsigned kLength = 17, kCapacity = 16, kGrew = 8, kGone = 8;
constexpr unsigned kWideColumns = 99;  // what all columns take, exact or not
constexpr unsigned kShortHitRatio = 11, kShortColumns = kGets + kShortHitRatio + kRate + kGone, kMaxTargetName = 24;

std::string value_or_dash(const model::MaybeEstimate& estimate) {
  return estimate ? format_count(estimate->value) : "–";
}

std::string gone_text(const PoolSummary& pool) {
  return pool.thrown_away_per_gc ? format_count(*pool.thrown_away_per_gc) : "–";
}

// Counts where every event was traced, else rates.
struct Columns {
  bool exact = false;
  bool wide = false;
  [[nodiscard]] unsigned number(unsigned of_rate) const { return exact ? kExactCount : of_rate; }
  [[nodiscard]] unsigned interval() const { return exact ? 2 : kInterval; }
};

Line header(const Columns& columns) {
  const char* per = columns.exact ? "" : "/s";
  Line line;
  const auto add = [&](std::string name, unsigned width) { line.add_right(std::move(name), width, Tone::kDim); };
  add(std::string("gets") + per, columns.number(kGets));
  add("hit ratio", kHitRatio + columns.interval());
  add(std::string("misses") + per, columns.number(kRate));
  add(std::string("puts") + per, columns.number(kRate));
  if (!columns.wide) return line;
  add("length", kLength);
  add("capacity", kCapacity);
  add(std::string("grew") + per, columns.number(kGrew));
  add("gone/GC", kGone);
  return line;
}

std::string number(const Columns& columns, std::optional<std::uint64_t> counted, const model::MaybeEstimate& rate) {
  if (!columns.exact) return value_or_dash(rate);
  return counted ? format_exact(*counted) : "–";
}

Line numbers(const PoolSummary& pool, const Columns& columns) {
  Line line;
  line.add_right(number(columns, pool.counted.gets, pool.gets_per_second), columns.number(kGets));
  line.add_right(hit_ratio_text(pool), kHitRatio, Tone::kStrong);
  line.add_right(columns.exact ? "" : hit_ratio_interval(pool), columns.interval(), Tone::kDim);
  line.add_right(number(columns, pool.counted.misses, pool.misses_per_second), columns.number(kRate));
  line.add_right(number(columns, pool.counted.puts, pool.puts_per_second), columns.number(kRate));
  if (!columns.wide) return line;
  line.add_right(p50_and_p95(pool.needed_bytes), kLength).add_right(p50_and_p95(pool.buffer_bytes), kCapacity);
  line.add_right(number(columns, pool.counted.regrowths, pool.regrowths_per_second), columns.number(kGrew));
  return std::move(line.add_right(gone_text(pool), kGone));
}

// The columns that a narrow terminal has no room for.
std::string rest_of_numbers(const PoolSummary& pool, const Columns& columns) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (pool.needed_bytes) add("length " + p50_and_p95(pool.needed_bytes));
  if (pool.buffer_bytes) add("capacity " + p50_and_p95(pool.buffer_bytes));
  if (columns.exact || pool.regrowths_per_second) {
    add("grew " + number(columns, pool.counted.regrowths, pool.regrowths_per_second) + (columns.exact ? "" : "/s"));
  }
  if (pool.thrown_away_per_gc) add(gone_text(pool) + " gone per GC");
  return text;
}

// The name, and beside it what the pool holds; both shortened when they have to.
Line title(const PoolSummary& pool, unsigned width) {
  const unsigned columns = width - kIndent;
  const std::string label = cut_middle(pool_label(pool), columns / 2);
  const unsigned beside = label.empty() ? 0 : kGap + display_width(label);
  Line line(std::string(kIndent, ' ') + cut_middle(printable(pool.name), columns - beside), Tone::kStrong);
  if (!label.empty()) line.add(std::string(kGap, ' ')).add(label, Tone::kDim);
  return line;
}

void add_note(Lines& lines, const std::string& text, unsigned width, Tone tone) {
  for (std::string& part : wrap(text, width - kNotes)) {
    lines.push_back(std::move(Line(std::string(kNotes, ' ')).add(std::move(part), tone)));
  }
}

Lines pool_lines(const PoolSummary& pool, unsigned width, const Columns& columns) {
  Lines lines{title(pool, width), numbers(pool, columns)};
  if (!columns.wide) add_note(lines, rest_of_numbers(pool, columns), width, Tone::kPlain);
  add_note(lines, small_print(pool), width, Tone::kDim);
  add_note(lines, miss_curve_text(pool), width, Tone::kDim);
  if (const std::string text = remarkable(pool, columns.exact); !text.empty()) {
    add_note(lines, "→ " + text, width, Tone::kWarning);
  }
  return lines;
}

Line short_header() {
  Line line;
  line.add_right("gets/s", kGets, Tone::kDim).add_right("hit ratio", kShortHitRatio, Tone::kDim);
  line.add_right("misses/s", kRate, Tone::kDim).add_right("gone/GC", kGone, Tone::kDim);
  return std::move(line.add(std::string(kGap, ' ') + "pool", Tone::kDim));
}

Line short_line(const PoolSummary& pool, const std::string& target, unsigned width) {
  Line line;
  line.add_right(value_or_dash(pool.gets_per_second), kGets);
  line.add_right(hit_ratio_text(pool), kShortHitRatio, Tone::kStrong);
  line.add_right(value_or_dash(pool.misses_per_second), kRate).add_right(gone_text(pool), kGone);
  const std::string of = cut_middle(printable(target), kMaxTargetName);
  const unsigned used = kShortColumns + 2 * kGap + display_width(of);
  line.add(std::string(kGap, ' ') + cut_middle(printable(pool.name), width > used ? width - used : 0));
  return std::move(line.add(std::string(kGap, ' ')).add(of, Tone::kDim));
}

}  // namespace

Lines pool_table(const TargetSnapshot& target, unsigned width, std::size_t max_pools) {
  const auto pools = sorted_pools(target);
  if (pools.empty()) return {};
  const Columns columns{target.exact, width >= kWideColumns};
  const std::string gone = columns.wide ? "; gone/GC: dropped by one collection" : "";
  Line heading = Line(std::string(kIndent, ' ')).add("pools", Tone::kStrong);
  heading.add("   length and capacity: p50 / p95 at put" + gone, Tone::kDim);
  Lines lines{std::move(heading), header(columns)};
  for (std::size_t i = 0; i < std::min(pools.size(), max_pools); ++i) {
    const Lines pool = pool_lines(*pools[i], width, columns);
    lines.insert(lines.end(), pool.begin(), pool.end());
  }
  if (pools.size() > max_pools) {
    lines.emplace_back("  and " + format_exact(pools.size() - max_pools) + " more with fewer gets", Tone::kDim);
  }
  return lines;
}

Lines short_pool_table(const std::vector<const TargetSnapshot*>& targets, unsigned width, std::size_t max_per_target,
                       std::size_t max_lines) {
  if (max_lines < 2) return {};
  Lines lines{short_header()};
  for (const TargetSnapshot* target : targets) {
    const auto pools = sorted_pools(*target);
    for (std::size_t i = 0; i < std::min(pools.size(), max_per_target) && lines.size() < max_lines; ++i) {
      if (!pools[i]->gets_per_second) break;
      lines.push_back(short_line(*pools[i], target->name, width));
    }
  }
  return lines.size() > 1 ? lines : Lines{};
}

}  // namespace poolscope::text
