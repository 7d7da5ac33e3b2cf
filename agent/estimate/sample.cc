#include "agent/estimate/sample.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace poolscope::estimate {
namespace {

// Of a record: the window, and the events that could have ended it.
using Seen = std::pair<const model::Window*, std::uint64_t>;

Sample make_sample(const RecordList& records, const Basis& basis, const PriceCheck& price,
                   Seen (*seen_in)(const model::BurstRecord&)) {
  RecordList used;
  std::vector<CountedWindow> windows;
  for (const model::BurstRecord* record : records) {
    const auto [window, events] = seen_in(*record);
    if (window->length_ns == 0) continue;
    used.push_back(record);
    windows.push_back({record->process, price.corrected(*window), events});
  }
  if (basis.exact) return {std::move(used), RateEstimator::exact(windows)};
  auto [estimator, related_to] = sharpest_estimator(windows, basis.totals, price.error_ratio());
  return {std::move(used), std::move(estimator), related_to};
}

}  // namespace

RecordList in_time_order(std::span<const model::BurstRecord> records) {
  RecordList list;
  list.reserve(records.size());
  for (const auto& record : records) list.push_back(&record);
  const auto when = [](const model::BurstRecord* record) {
    const bool has_allocations = record->allocation_window.length_ns > 0;
    const model::Window& first = has_allocations ? record->allocation_window : record->free_window;
    return std::tuple(first.start_ns, record->free_window.start_ns, record->process);
  };
  std::ranges::stable_sort(list, {}, when);
  return list;
}

Sample Sample::of_allocations(const RecordList& records, const Basis& basis) {
  return make_sample(records, basis, basis.allocation_price, [](const model::BurstRecord& record) {
    return Seen{&record.allocation_window, record.counts.allocations + record.counts.reallocations};
  });
}

namespace {
// A cohort that its hit limit ended among the births met a busy moment: without it the rate would be that of quiet ones.
bool ended_among_births(const model::BurstRecord& record) {
  return record.free_window.length_ns == 0 && record.allocation_window.ended_by_count &&
         record.frees_beside_allocations.has_value();
}
}  // namespace

std::uint64_t frees_in_window(const model::BurstRecord& record) {
  return ended_among_births(record) ? *record.frees_beside_allocations : record.counts.frees;
}

Sample Sample::of_frees(const RecordList& records, const Basis& basis) {
  return make_sample(records, basis, basis.free_price, [](const model::BurstRecord& record) {
    return Seen{ended_among_births(record) ? &record.allocation_window : &record.free_window, frees_in_window(record)};
  });
}

Sample Sample::of_frees_beside(const RecordList& records, const model::Estimate& allocations_per_second) {
  RecordList used;
  std::vector<CountedWindow> windows;
  Related related{{}, allocations_per_second.value, 0};
  if (allocations_per_second.high && allocations_per_second.value > 0) {
    related.common_error_ratio = std::log(*allocations_per_second.high / allocations_per_second.value) / 1.96;
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
