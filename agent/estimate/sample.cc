#include "agent/estimate/sample.h"

#include <algorithm>
#include <tuple>

namespace poolscope::estimate {
namespace {

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
  auto [estimator, related_to] = sharpest_estimator(windows, basis.totals, price.error_ratio());
  return {std::move(used), std::move(estimator), related_to};
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
