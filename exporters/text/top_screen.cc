#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "exporters/text/pool_table.h"
#include "exporters/text/report.h"
#include "exporters/text/site_table.h"
#include "exporters/text/wording.h"

namespace poolscope::text {
namespace {

using model::TargetSnapshot;

constexpr unsigned kProcesses = 6, kRate = 10, kBytes = 12, kRatio = 8, kSize = 9;
constexpr unsigned kStateColumns = 14, kMinName = 10, kMaxName = 32;

// What fits the terminal.
struct Layout {
  unsigned name_columns = kMinName;
  bool with_sizes = false;
};

constexpr std::size_t kMaxPoolsPerTarget = 3;

// Bytes per second, of malloc or of a heap with garbage collection.
std::optional<double> bytes_per_second(const TargetSnapshot& target) {
  if (target.allocations.bytes_per_second) return target.allocations.bytes_per_second->value;
  return target.gc ? target.gc->allocated_bytes_per_second : std::nullopt;
}

std::optional<double> churn_ratio(const TargetSnapshot& target) {
  if (target.allocations.churn_ratio) return target.allocations.churn_ratio->value;
  return target.gc ? target.gc->churn_ratio : std::nullopt;
}

// Allocations, then bytes.
std::pair<double, double> rates_of(const TargetSnapshot* target) {
  const auto known = [](const std::optional<double>& rate) { return rate && std::isfinite(*rate) ? *rate : -1; };
  const auto& rate = target->allocations.per_second;
  return {known(rate ? std::optional(rate->value) : std::nullopt), known(bytes_per_second(*target))};
}

std::vector<const TargetSnapshot*> busiest_first(const model::Snapshot& snapshot) {
  std::vector<const TargetSnapshot*> targets;
  for (const auto& target : snapshot.targets) targets.push_back(&target);
  std::ranges::stable_sort(targets, std::greater{}, rates_of);
  return targets;
}

Line heading(const model::Snapshot& snapshot) {
  Line line("poolscope " + printable(snapshot.agent.version), Tone::kStrong);
  line.add("   " + utc_time(snapshot.time_unix_ns), Tone::kDim);
  line.add("   budget " + format_ratio(snapshot.agent.budget_cpu_ratio), Tone::kDim);
  const std::size_t count = snapshot.targets.size();
  return std::move(line.add("   " + format_exact(count) + (count == 1 ? " target" : " targets"), Tone::kDim));
}

Line header(const Layout& layout) {
  Line line;
  line.add("target", Tone::kDim).pad_to(layout.name_columns);
  line.add_right("proc", kProcesses, Tone::kDim).add_right("allocs/s", kRate, Tone::kDim);
  line.add_right("bytes/s", kBytes, Tone::kDim).add_right("churn", kRatio, Tone::kDim);
  if (layout.with_sizes) line.add_right("p50", kSize, Tone::kDim).add_right("p95", kSize, Tone::kDim);
  return std::move(line.add_right("cost", kRatio, Tone::kDim).add("  state", Tone::kDim));
}

std::string value_or_dash(const std::optional<double>& value, std::string (*format)(double)) {
  return value ? format(*value) : "–";
}

// The state that matters most: a collector that cannot work before one that waits before one that works.
void add_state(Line& line, const TargetSnapshot& target) {
  using State = model::CollectorState;
  const auto worst = std::ranges::max_element(target.collectors, {}, &model::CollectorStatus::state);
  if (worst == target.collectors.end()) {
    line.add("  no collector", Tone::kWarning);
    return;
  }
  const bool measured = was_measured(target);
  const State state = measured ? State::kCollecting : worst->state;
  const Tone tone = state == State::kCollecting ? Tone::kGood : state == State::kIdle ? Tone::kWarning : Tone::kBad;
  line.add(std::string("  ") + model::state_name(state), tone);
  if (!measured && !worst->reason.empty()) line.add(" " + printable(worst->reason), Tone::kDim);
}

Line target_line(const TargetSnapshot& target, double budget_cpu_ratio, const Layout& layout) {
  const auto& all = target.allocations;
  const auto size = [&](std::uint64_t model::SizeSummary::*quantile) {
    return all.size_bytes ? format_bytes(static_cast<double>((*all.size_bytes).*quantile)) : std::string("–");
  };
  Line line(cut_middle(printable(target.name), layout.name_columns - 1), Tone::kStrong);
  line.pad_to(layout.name_columns).add_right(format_exact(target.processes.size()), kProcesses);
  line.add_right(all.per_second ? format_count(all.per_second->value) : "–", kRate);
  line.add_right(value_or_dash(bytes_per_second(target), format_bytes), kBytes);
  line.add_right(value_or_dash(churn_ratio(target), format_ratio), kRatio);
  if (layout.with_sizes) {
    line.add_right(size(&model::SizeSummary::p50), kSize).add_right(size(&model::SizeSummary::p95), kSize);
  }
  const bool over = !target.exact && target.cost.charged_cpu_ratio.value_or(0) > budget_cpu_ratio;
  const auto& charged = target.cost.charged_cpu_ratio;
  line.add_right(charged ? format_ratio(*charged) : "–", kRatio, over ? Tone::kWarning : Tone::kPlain);
  add_state(line, target);
  return line;
}

Layout layout_for(const model::Snapshot& snapshot, unsigned width) {
  constexpr unsigned kAlways = kProcesses + kRate + kBytes + 2 * kRatio, kWithSizes = 96;
  Layout layout{kMinName, width >= kWithSizes};
  for (const auto& target : snapshot.targets) {
    layout.name_columns = std::max(layout.name_columns, display_width(printable(target.name)) + 1);
  }
  const unsigned others = kAlways + (layout.with_sizes ? 2 * kSize : 0) + kStateColumns;
  layout.name_columns =
      std::min({layout.name_columns, width > others + kMinName ? width - others : kMinName, kMaxName});
  return layout;
}

// Call sites of the busiest target, in the lines that are left; at least a title, the header and one site, or nothing.
Lines call_site_lines(const TargetSnapshot& target, unsigned width, std::size_t free_lines) {
  constexpr std::size_t kBefore = 2, kHeader = 1;
  if (free_lines <= kBefore + kHeader) return {};
  const Lines table = short_call_site_table(target, width, free_lines - kBefore - kHeader);
  if (table.empty()) return {};
  Lines lines{Line(), std::move(Line("call sites of ").add(printable(target.name), Tone::kStrong))};
  lines.insert(lines.end(), table.begin(), table.end());
  return lines;
}

// The busiest pools of each target, in at most `max_lines`; nothing when there is no room for one.
Lines pool_lines(const std::vector<const TargetSnapshot*>& targets, unsigned width, std::size_t max_lines) {
  if (max_lines < 2) return {};
  Lines lines{Line()};
  const Lines table = short_pool_table(targets, width, kMaxPoolsPerTarget, max_lines - 1);
  lines.insert(lines.end(), table.begin(), table.end());
  return table.empty() ? Lines{} : lines;
}

// Call sites of the busiest target that has some, and pools, in the lines that are left; pools take half of them unless there are
// no call sites.
Lines details(const std::vector<const TargetSnapshot*>& targets, unsigned width, std::size_t free_lines) {
  const auto with_sites =
      std::ranges::find_if(targets, [](const TargetSnapshot* target) { return !target->call_sites.empty(); });
  const std::size_t for_pools = with_sites == targets.end() ? free_lines : free_lines / 2;
  const Lines pools = pool_lines(targets, width, for_pools);
  Lines lines;
  if (with_sites != targets.end()) lines = call_site_lines(**with_sites, width, free_lines - pools.size());
  lines.insert(lines.end(), pools.begin(), pools.end());
  return lines;
}

}  // namespace

std::string top_screen(const model::Snapshot& snapshot, const Style& style, unsigned height_lines) {
  const auto targets = busiest_first(snapshot);
  const Layout layout = layout_for(snapshot, style.width_columns);
  Lines lines{heading(snapshot), Line()};
  lines.push_back(targets.empty() ? Line("no target: name one in the configuration of the agent", Tone::kWarning)
                                  : header(layout));
  // two thirds of the screen at most for the targets, unless there is nothing else to show
  const std::size_t rows = std::max<std::size_t>(height_lines * 2 / 3, lines.size() + 1) - lines.size();
  for (std::size_t i = 0; i < std::min(targets.size(), rows); ++i) {
    lines.push_back(target_line(*targets[i], snapshot.agent.budget_cpu_ratio, layout));
  }
  if (targets.size() > rows)
    lines.back() = Line("… " + format_exact(targets.size() - rows + 1) + " more targets", Tone::kDim);
  if (height_lines > lines.size()) {
    const Lines more = details(targets, style.width_columns, height_lines - lines.size());
    lines.insert(lines.end(), more.begin(), more.end());
  }
  if (lines.size() > height_lines) lines.resize(height_lines);
  std::string screen;
  for (std::size_t i = 0; i < lines.size(); ++i) screen += (i == 0 ? "" : "\n") + lines[i].render(style);
  return screen;
}

}  // namespace poolscope::text
