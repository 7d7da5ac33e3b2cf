#include "agent/sampler/page_monitor.h"

#include <algorithm>
#include <utility>

#include "probes/process/process.h"

namespace poolscope::sampler {

void PageMonitor::add(const model::ProcessKey& key) {
  processes_.try_emplace(key, key);
  watched_.insert(key);
}

void PageMonitor::forget(const model::ProcessKey& key, std::uint64_t now_ns) {
  watched_.erase(key);
  const auto found = processes_.find(key);
  if (found == processes_.end()) return;
  read_last(key, found->second, now_ns);
  processes_.erase(found);
}

void PageMonitor::set_processes(std::span<const model::ProcessKey> keys, std::uint64_t now_ns) {
  const std::set<model::ProcessKey> now(keys.begin(), keys.end());
  std::vector<model::ProcessKey> ended;
  for (auto& [key, pages] : processes_) {
    if (now.contains(key)) continue;
    if (!process::is_alive(key)) {
      ended.push_back(key);
    } else if (watched_.contains(key)) {
      read_last(key, pages, now_ns);
    }
  }
  for (const auto& key : ended) forget(key, now_ns);
  watched_.clear();
  for (const auto& key : now) add(key);
  for (const auto& key : now) {
    probes::PoolPages& pages = processes_.at(key);
    if (pages.look(now_ns)) keep_all(pages.read_last(now_ns));
  }
}

void PageMonitor::read(std::uint64_t now_ns) {
  for (const auto& key : watched_) {
    keep_all(processes_.at(key).read(now_ns));
  }
}

void PageMonitor::read_last(const model::ProcessKey& key, probes::PoolPages& pages, std::uint64_t now_ns) {
  keep_all(pages.read_last(now_ns));
  ++changes_;
  totals_.end(key);
  ends_.push_back({key, now_ns});
  sink_.take(ends_.back());
}

void PageMonitor::keep_all(std::vector<model::PoolPageRecord> records) {
  for (auto& record : records) keep(std::move(record));
}

void PageMonitor::keep(model::PoolPageRecord record) {
  ++changes_;
  totals_.add(record);
  sink_.take(record);
  const auto last = std::find_if(records_.rbegin(), records_.rend(), [&](const auto& other) {
    return other.process == record.process && other.page == record.page;
  });
  const bool has_room = last != records_.rend() && last->length_ns > 0 && last->length_ns < kRecordNs &&
                        last->start_ns + last->length_ns == record.start_ns;
  if (has_room) {
    last->append(record);
  } else {
    records_.push_back(std::move(record));
  }
}

void PageMonitor::forget_before(std::uint64_t oldest_ns) {
  ++changes_;
  auto end = ends_.begin();
  const auto end_processes_until = [&](std::uint64_t time_ns) {
    for (; end != ends_.end() && end->at_ns <= time_ns; ++end) forgotten_.end(end->process);
  };
  std::erase_if(records_, [&](auto& record) {
    if (record.start_ns >= oldest_ns) return false;
    end_processes_until(record.start_ns);
    forgotten_.add(record);
    return true;
  });
  end_processes_until(oldest_ns);
  ends_.erase(ends_.begin(), end);
}

void PageMonitor::retell(const model::TargetSink& sink) const {
  auto end = ends_.begin();
  for (const auto& record : records_) {
    for (; end != ends_.end() && end->at_ns <= record.start_ns; ++end) sink.take(*end);
    sink.take(record);
  }
  for (; end != ends_.end(); ++end) sink.take(*end);
}

std::optional<model::CollectorStatus> PageMonitor::collector() const {
  using model::CollectorState;
  const probes::PageFault* fault = nullptr;
  std::string caveat;
  bool any = has_data();
  for (const auto& key : watched_) {
    const probes::PoolPages& pages = processes_.at(key);
    any |= pages.has_pages();
    if (pages.fault()) fault = &*pages.fault();
    if (!pages.caveat().empty()) caveat = pages.caveat();
  }
  if (any) return model::CollectorStatus{"pool_pages", "L0", CollectorState::kCollecting, "", caveat};
  if (fault == nullptr) return std::nullopt;
  return model::CollectorStatus{"pool_pages", "L0", CollectorState::kUnavailable, probes::reason_label(fault->reason),
                                "the stats page cannot be read: " + fault->detail};
}

}  // namespace poolscope::sampler
