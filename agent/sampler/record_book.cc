#include "agent/sampler/record_book.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace poolscope::sampler {
namespace {

void cap_sites(model::BurstRecord& record) {
  if (record.call_sites.size() <= RecordBook::kMaxSites) return;
  auto& sites = record.call_sites;
  std::sort(sites.begin(), sites.end(), [](const auto& a, const auto& b) { return a.calls > b.calls; });
  model::CallSiteCounts other;
  other.frames.push_back(model::Frame{"(other)", "", 0, ""});
  for (auto site = sites.begin() + RecordBook::kMaxSites; site != sites.end(); ++site) {
    other.calls += site->calls;
    other.requested_bytes += site->requested_bytes;
    other.births += site->births;
    other.short_lived += site->short_lived;
  }
  sites.resize(RecordBook::kMaxSites);
  sites.push_back(std::move(other));
}

}  // namespace

void RecordBook::keep(model::BurstRecord record) {
  ++changes_;
  cap_sites(record);
  sink_.take(record);
  bursts_.push_back(std::move(record));
}

void RecordBook::keep(model::StratumRecord record) {
  ++changes_;
  sink_.take(record);
  strata_.push_back(std::move(record));
}

void RecordBook::keep(model::PoolBurstRecord record) {
  ++changes_;
  sink_.take(record);
  pool_bursts_.push_back(std::move(record));
}

void RecordBook::keep(model::PoolWatchRecord record) {
  ++changes_;
  sink_.take(record);
  pool_watches_.push_back(std::move(record));
}

void RecordBook::keep(model::SliceGrowthRecord record) {
  ++changes_;
  sink_.take(record);
  slice_growth_.push_back(std::move(record.burst));
}

void RecordBook::keep(const model::CpuShareRecord& record) {
  ++changes_;
  sink_.take(record);
  cpu_shares_.push_back(record);
}

const model::TargetStatus& RecordBook::keep(model::TargetStatus status) {
  if (!statuses_.empty()) {
    const std::uint64_t at_ns = std::exchange(status.at_ns, statuses_.back().at_ns);
    if (status == statuses_.back()) return statuses_.back();
    status.at_ns = at_ns;
  }
  ++changes_;
  return statuses_.emplace_back(std::move(status));
}

void RecordBook::forget_before(std::uint64_t oldest_ns) {
  ++changes_;
  const auto is_old = [&](const auto& record) { return record.start_ns < oldest_ns; };
  std::erase_if(bursts_, [&](const model::BurstRecord& record) {
    return std::max(record.allocation_window.start_ns, record.free_window.start_ns) < oldest_ns;
  });
  std::erase_if(slice_growth_, [&](const auto& record) { return is_old(record.allocation_window); });
  std::erase_if(strata_, is_old);
  std::erase_if(pool_bursts_, [&](const auto& record) { return is_old(record.window); });
  std::erase_if(pool_watches_, is_old);
  std::erase_if(cpu_shares_, is_old);
  // the last of those before it held then
  const auto held = std::ranges::find_if(statuses_, [&](const auto& status) { return status.at_ns > oldest_ns; });
  if (held != statuses_.begin()) statuses_.erase(statuses_.begin(), std::prev(held));
}

const model::TargetStatus& RecordBook::status() const {
  static const model::TargetStatus none;
  return statuses_.empty() ? none : statuses_.back();
}

estimate::TargetRecords RecordBook::records() const {
  return {bursts_, strata_, pool_bursts_, pool_watches_, {}, slice_growth_, {}, false, cpu_shares_};
}

void RecordBook::retell(const model::TargetSink& sink) const {
  for (const auto& status : statuses_) sink.take(status);
  for (const auto& record : bursts_) sink.take(record);
  for (const auto& record : strata_) sink.take(record);
  for (const auto& record : pool_bursts_) sink.take(record);
  for (const auto& record : pool_watches_) sink.take(record);
  for (const auto& record : cpu_shares_) sink.take(record);
  for (const auto& record : slice_growth_) sink.take(model::SliceGrowthRecord{record});
}

}  // namespace poolscope::sampler
