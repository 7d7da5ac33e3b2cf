#include "agent/estimate/replay.h"

#include <algorithm>
#include <set>

#include "agent/estimate/carried_totals.h"
#include "agent/estimate/gc.h"
#include "agent/estimate/target_summary.h"

namespace poolscope::estimate {
namespace {

std::uint64_t end_of(const model::Window& window) {
  return window.start_ns + window.length_ns;
}

}  // namespace

bool RecordStore::holds(std::uint64_t start_ns, std::uint64_t end_ns) const {
  return start_ns >= range_.from_ns && end_ns <= range_.to_ns;
}

void RecordStore::take_any(const model::TargetRecord& record) {
  std::visit([this](const auto& each) { take(each); }, record);
}

void RecordStore::take(const model::BurstRecord& record) {
  const std::uint64_t start_ns = std::max(record.allocation_window.start_ns, record.free_window.start_ns);
  if (holds(start_ns, std::max(end_of(record.allocation_window), end_of(record.free_window))))
    bursts_.push_back(record);
}

void RecordStore::take(const model::SliceGrowthRecord& record) {
  const model::Window& window = record.burst.allocation_window;
  if (holds(window.start_ns, end_of(window))) slice_growth_.push_back(record.burst);
}

void RecordStore::take(const model::StratumRecord& record) {
  if (holds(record.start_ns, record.start_ns + record.length_ns)) strata_.push_back(record);
}

void RecordStore::take(const model::PoolBurstRecord& record) {
  if (holds(record.window.start_ns, end_of(record.window))) pool_bursts_.push_back(record);
}

void RecordStore::take(const model::PoolWatchRecord& record) {
  if (holds(record.start_ns, record.start_ns + record.length_ns)) pool_watches_.push_back(record);
}

void RecordStore::take(const model::GcRecord& record) {
  const std::uint64_t end_ns = record.start_ns + record.length_ns;
  if (end_ns > range_.to_ns) return;
  add(gc_total_, record.counted);
  if (holds(record.start_ns, end_ns)) gc_.push_back(record);
}

void RecordStore::take(const model::PoolPageRecord& record) {
  const std::uint64_t end_ns = record.start_ns + record.length_ns;
  if (end_ns > range_.to_ns) return;
  model::PoolPageRecord counted = record;
  published_.add(counted);
  if (holds(record.start_ns, end_ns)) pages_.push_back(std::move(counted));
}

void RecordStore::take(const model::PagesEndRecord& end) {
  if (end.at_ns <= range_.to_ns) published_.end(end.process);
}

void RecordStore::take(const model::CarriedTotals& totals) {
  if (totals.at_ns > range_.to_ns) return;
  gc_total_ = totals.gc;
  published_ = published_of(totals);
}

void RecordStore::take(const model::TargetStatus& status) {
  if (status.at_ns <= range_.to_ns) status_ = status;
}

void RecordStore::take(const model::CpuShareRecord& record) {
  if (holds(record.start_ns, record.start_ns + record.length_ns)) cpu_shares_.push_back(record);
}

model::TargetSnapshot RecordStore::summary() const {
  TargetRecords records{bursts_, strata_, pool_bursts_, pool_watches_, gc_, slice_growth_};
  records.cpu_shares = cpu_shares_;
  return summarize_target({status_, records, pages_, gc_total_, published_});
}

void Replay::take(model::TargetId target, const model::TargetRecord& record) {
  auto found = targets_.find(target);
  if (found == targets_.end()) {
    if (targets_.size() == kMaxTargets) return;
    found = targets_.try_emplace(target, range_).first;
  }
  found->second.take_any(record);
}

void Replay::take(const model::Moment& moment) {
  if (moment.at_ns >= range_.from_ns && moment.at_ns <= range_.to_ns) last_ = moment;
}

std::optional<model::Snapshot> Replay::snapshot() const {
  if (!last_) return std::nullopt;
  model::Snapshot snapshot;
  snapshot.time_unix_ns = last_->time_unix_ns;
  snapshot.agent = last_->agent;
  std::set<model::TargetId> told;
  for (const model::TargetId target : last_->targets) {
    const auto found = targets_.find(target);
    if (found != targets_.end() && told.insert(target).second) snapshot.targets.push_back(found->second.summary());
  }
  return snapshot;
}

}  // namespace poolscope::estimate
