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
    windows.push_back(
        {record->process, price.corrected(record->*window), events(record->counts), price.largest_charge_share()});
  }
  return {std::move(used), basis.exact ? RateEstimator::exact(windows)
                                       : RateEstimator::sampled(windows, basis.target_cpu_per_second,
                                                                price.standard_error / price.factor)};
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

model::MaybeEstimate Sample::rate(const std::function<WindowCount(const model::BurstRecord&)>& count_of) const {
  std::vector<WindowCount> counts;
  counts.reserve(records.size());
  for (const model::BurstRecord* record : records) counts.push_back(count_of(*record));
  return estimator.rate(counts);
}

}  // namespace poolscope::estimate
