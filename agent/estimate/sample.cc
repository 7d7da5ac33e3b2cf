#include "agent/estimate/sample.h"

#include <algorithm>
#include <tuple>

namespace poolscope::estimate {
namespace {

struct Relation {
  const char* name = "";
  Related related;
};

bool are_of_one_process(const std::vector<CountedWindow>& windows) {
  return std::ranges::all_of(windows, [&](const auto& each) { return each.process == windows.front().process; });
}

bool mostly_wait(const std::vector<CountedWindow>& windows) {
  double cpu_ns = 0, length_ns = 0;
  for (const auto& counted : windows) {
    cpu_ns += static_cast<double>(counted.window.cpu_ns);
    length_ns += static_cast<double>(counted.window.length_ns);
  }
  return cpu_ns < length_ns / 2;
}

std::optional<Related> related_to_io_calls(std::span<const CountedWindow> windows, const Basis& basis) {
  if (!basis.io_calls_per_second) return std::nullopt;
  Related related{{}, basis.io_calls_per_second, 0};
  for (const auto& counted : windows) {
    if (!counted.window.work.io_calls) return std::nullopt;
    related.in_window.push_back(static_cast<double>(*counted.window.work.io_calls));
  }
  return related;
}

// In the order in which they are preferred when intervals do not tell.
std::vector<Relation> relations_of(const std::vector<CountedWindow>& windows, const Basis& basis,
                                   const PriceCheck& price) {
  std::vector<Relation> relations;
  relations.push_back({"cpu_time", related_to_cpu_time(windows, basis.cpu_per_second, price.error_ratio())});
  if (!are_of_one_process(windows)) return relations;
  if (auto related = related_to_io_calls(windows, basis)) relations.push_back({"io_calls", std::move(*related)});
  if (basis.cpu_per_second && mostly_wait(windows)) relations.push_back({"time", related_to_time(windows)});
  return relations;
}

// Of the interval of all events, over its value; absent when there is none.
std::optional<double> relative_width(const RateEstimator& estimator, std::span<const WindowCount> events) {
  const auto rate = estimator.rate(events);
  if (!rate || !rate->low || !rate->high || rate->value <= 0) return std::nullopt;
  return (*rate->high - *rate->low) / rate->value;
}

Sample sharpest(RecordList records, const std::vector<CountedWindow>& windows, std::vector<Relation> relations) {
  std::vector<WindowCount> events;
  for (const auto& counted : windows) events.push_back(WindowCount::of_events(static_cast<double>(counted.events)));
  std::optional<Sample> best;
  std::optional<double> best_width;
  for (const auto& relation : relations) {
    Sample sample{records, RateEstimator::sampled(windows, relation.related), relation.name};
    const auto width = relative_width(sample.estimator, events);
    if (best && (!width || (best_width && *width >= *best_width))) continue;
    best = std::move(sample);
    best_width = width;
  }
  return std::move(*best);
}

Sample make_sample(const RecordList& records, const Basis& basis, model::Window model::BurstRecord::*window,
                   const PriceCheck& price, std::uint64_t (*events)(const model::AllocationCounts&)) {
  RecordList used;
  std::vector<CountedWindow> windows;
  for (const model::BurstRecord* record : records) {
    if ((record->*window).length_ns == 0) continue;
    used.push_back(record);
    windows.push_back({record->process, price.corrected(record->*window), events(record->counts)});
  }
  if (basis.exact) return {std::move(used), RateEstimator::exact(windows)};
  return sharpest(std::move(used), windows, relations_of(windows, basis, price));
}

}  // namespace

RecordList in_time_order(std::span<const model::BurstRecord> records) {
  RecordList list;
  list.reserve(records.size());
  for (const auto& record : records) list.push_back(&record);
  const auto when = [](const model::BurstRecord* record) {
    return std::tuple(record->allocation_window.start_ns, record->free_window.start_ns, record->process);
  };
  std::ranges::stable_sort(list, {}, when);
  return list;
}

Sample Sample::of_allocations(const RecordList& records, const Basis& basis) {
  return make_sample(records, basis, &model::BurstRecord::allocation_window, basis.allocation_price,
                     [](const model::AllocationCounts& c) { return c.allocations + c.reallocations; });
}

Sample Sample::of_frees(const RecordList& records, const Basis& basis) {
  return make_sample(records, basis, &model::BurstRecord::free_window, basis.free_price,
                     [](const model::AllocationCounts& c) { return c.frees; });
}

Sample Sample::of_frees_beside(const RecordList& records, const model::Estimate& allocations_per_second) {
  RecordList used;
  std::vector<CountedWindow> windows;
  Related related{{}, allocations_per_second.value, 0};
  if (allocations_per_second.high && allocations_per_second.value > 0) {
    const double half = *allocations_per_second.high - allocations_per_second.value;
    related.common_error_ratio = half / 1.96 / allocations_per_second.value;
  }
  for (const model::BurstRecord* record : records) {
    if (record->allocation_window.length_ns == 0 || !record->frees_beside_allocations) continue;
    used.push_back(record);
    windows.push_back({record->process, record->allocation_window, *record->frees_beside_allocations});
    related.in_window.push_back(static_cast<double>(record->counts.allocations));
  }
  return {std::move(used), RateEstimator::sampled(windows, related), "allocations"};
}

model::MaybeEstimate Sample::rate(const CountOf& count_of) const {
  std::vector<WindowCount> counts;
  counts.reserve(records.size());
  for (const model::BurstRecord* record : records) counts.push_back(count_of(*record));
  return estimator.rate(counts);
}

double Sample::total(const CountOf& count_of) const {
  double sum = 0;
  for (const model::BurstRecord* record : records) sum += count_of(*record).sum;
  return sum;
}

}  // namespace poolscope::estimate
