#include "agent/estimate/relation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "agent/estimate/intervals.h"

namespace poolscope::estimate {
namespace {

// A target that mostly waits takes more or less CPU time per event inside bursts than outside: its CPU does not fall asleep,
// its caches stay warm, its work comes in smaller pieces. Between -30 % and +40 % were seen.
constexpr double kWaitingCpuError = 0.2;
// Of the CPU time of windows: where probes take less, that error is smaller in proportion. Few hits find the kernel's code for them out of the caches, and
// take three times what many do.
constexpr double kNoticedCharge = 0.1;

struct Relation {
  const char* name = "";
  Related related;
};

bool are_of_one_process(const std::vector<CountedWindow>& windows) {
  return std::ranges::all_of(windows, [&](const auto& each) { return each.process == windows.front().process; });
}

// What windows say of a target that mostly waits. Of one process the time outside bursts tells: in windows probes keep it busy.
struct Pauses {
  bool mostly_waits = false;
  double charge_ratio = 0;  // of the CPU time of windows
};

Pauses pauses_of(const std::vector<CountedWindow>& windows, const TargetTotals& totals) {
  double cpu_ns = 0, length_ns = 0, charge_ns = 0;
  for (const auto& counted : windows) {
    cpu_ns += static_cast<double>(counted.window.cpu_ns);
    length_ns += static_cast<double>(counted.window.length_ns);
    charge_ns += static_cast<double>(counted.window.charge_ns);
  }
  if (cpu_ns <= 0) return {};  // the clock is broken, or they met nothing but pauses, and nothing is known
  const bool knows_outside = are_of_one_process(windows) && totals.cpu_per_second;
  return {(knows_outside ? *totals.cpu_per_second : cpu_ns / length_ns) < 0.5, charge_ns / cpu_ns};
}

// A call that was read comes before the work that it brings. Of the last call in a window that its N-th event ended, about half of the work was
// still to come; in others, as far as probes made the target late. It matters where windows see one or two calls that bring much. What is
// left of the doubt is common to all windows.
constexpr double kHalf = 0.5;
constexpr double kFewCallsPerWait = 0.1;  // who reads requests is told by these
constexpr double kMostUnfinished = 0.5;   // of the windows

std::optional<Related> related_to_io_calls(std::span<const CountedWindow> windows, const TargetTotals& totals) {
  if (!totals.io_calls_per_second) return std::nullopt;
  Related related{{}, totals.io_calls_per_second, 0};
  double calls = 0, interrupted = 0;
  for (const auto& counted : windows) {
    if (!counted.window.work.io_calls) return std::nullopt;
    double in_window = static_cast<double>(*counted.window.work.io_calls);
    const double late = static_cast<double>(counted.window.charge_ns) / static_cast<double>(counted.window.length_ns);
    double half_done = kHalf * std::min(late, 1.0);
    if (counted.window.ended_by_count && in_window >= 1) {
      in_window -= kHalf;
      half_done = kHalf;
    }
    related.in_window.push_back(in_window);
    calls += in_window;
    interrupted += half_done;
  }
  if (calls > 0) related.common_error_ratio = interrupted / calls / 2;
  return related;
}

// Pauses of fixed length after each piece of work: nothing makes up for what probes took, and windows of a time see too little. But what the target
// does from one wait to the next is the same. Where it is slowed so much that pieces run into each other it waits less often for the same
// work: only if it had caught up at the end of most windows. A window begins amid a piece of work as often as the target runs, and sees its wait and half of the rest;
// one that ends amid a piece sees half of that and no wait.
std::optional<Related> related_to_waits(std::span<const CountedWindow> windows, const TargetTotals& totals) {
  if (!totals.waits_per_second) return std::nullopt;
  if (totals.io_calls_per_second.value_or(0) > kFewCallsPerWait * *totals.waits_per_second) return std::nullopt;
  Related related{{}, totals.waits_per_second, 0};
  double waits = 0, unfinished = 0;
  const double half_begun = kHalf * std::min(totals.cpu_per_second.value_or(0), 1.0);
  for (const auto& counted : windows) {
    const auto& window = counted.window;
    if (!window.work.waits || !window.late_ns) return std::nullopt;
    const double half_done = *window.late_ns > 0 ? kHalf : 0;
    related.in_window.push_back(static_cast<double>(*window.work.waits) + half_done - half_begun);
    waits += related.in_window.back();
    unfinished += half_done;
  }
  if (waits <= 0 || unfinished > kHalf * kMostUnfinished * static_cast<double>(windows.size())) return std::nullopt;
  related.common_error_ratio = unfinished / waits / 2;
  return related;
}

// In the order in which they are preferred when intervals do not tell. CPU time and time are not both tried: which of them is the
// narrower depends on whether few or many events were seen, and choosing by that would favour one side.
std::vector<Relation> relations_of(const std::vector<CountedWindow>& windows, const TargetTotals& totals,
                                   double charge_error_ratio) {
  std::vector<Relation> relations;
  const Pauses pauses = pauses_of(windows, totals);
  const bool is_one = are_of_one_process(windows), is_noticed = pauses.charge_ratio >= kNoticedCharge;
  if (pauses.mostly_waits && is_noticed && is_one && totals.cpu_per_second) {
    relations.push_back({"time", related_to_time(windows, charge_error_ratio)});
  } else {
    Related cpu_time = related_to_cpu_time(windows, totals.cpu_per_second, charge_error_ratio);
    const double error = kWaitingCpuError * std::min(pauses.charge_ratio / kNoticedCharge, 1.0);
    if (pauses.mostly_waits) cpu_time.common_error_ratio = std::hypot(cpu_time.common_error_ratio, error);
    relations.push_back({"cpu_time", std::move(cpu_time)});
  }
  if (!is_one) return relations;
  if (auto related = related_to_io_calls(windows, totals)) relations.push_back({"io_calls", std::move(*related)});
  if (!pauses.mostly_waits) return relations;
  if (auto related = related_to_waits(windows, totals)) relations.push_back({"waits", std::move(*related)});
  return relations;
}

}  // namespace

RelatedEstimator sharpest_estimator(const std::vector<CountedWindow>& windows, const TargetTotals& totals,
                                    double charge_error_ratio) {
  std::vector<WindowCount> events;
  for (const auto& counted : windows) events.push_back(WindowCount::of_events(static_cast<double>(counted.events)));
  std::optional<RelatedEstimator> best;
  double best_width = std::numeric_limits<double>::infinity();
  for (const auto& relation : relations_of(windows, totals, charge_error_ratio)) {
    RelatedEstimator tried{RateEstimator::sampled(windows, relation.related), relation.name};
    const double width = relative_width(tried.estimator.rate(events));
    if (best && width >= best_width) continue;
    best = std::move(tried);
    best_width = width;
  }
  return std::move(*best);
}

}  // namespace poolscope::estimate
