#pragma once
// A SnapshotSource whose content the test decides, and snapshots to put into it.

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/api/server.h"

namespace poolscope::api::testing {

class FakeSource : public SnapshotSource {
 public:
  std::shared_ptr<const model::Snapshot> snapshot() const override {
    const std::scoped_lock lock(mutex_);
    return snapshots_.empty() ? nullptr : snapshots_.back();
  }
  std::vector<std::shared_ptr<const model::Snapshot>> history(std::uint64_t after, std::size_t limit) const override {
    const std::scoped_lock lock(mutex_);
    std::vector<std::shared_ptr<const model::Snapshot>> out;
    for (const auto& snapshot : snapshots_) {
      if (snapshot->agent.sequence > after && out.size() < limit) out.push_back(snapshot);
    }
    return out;
  }
  Result<std::shared_ptr<const model::Snapshot>, RangeRefusal> snapshot_of(const UnixRange& range) const override {
    const std::scoped_lock lock(mutex_);
    asked_range_ = range;
    if (of_range_) return of_range_;
    return Failure{RangeRefusal{404, "nothing is known of that time"}};
  }
  std::string records_after(std::uint64_t unix_ns) const override {
    return "records after " + std::to_string(unix_ns) + std::string(300, '.');
  }
  bool ready() const override {
    const std::scoped_lock lock(mutex_);
    return ready_;
  }
  Reload last_reload() const override { return {true, 1700000000}; }

  void publish(model::Snapshot snapshot) {
    const std::scoped_lock lock(mutex_);
    snapshots_.push_back(std::make_shared<const model::Snapshot>(std::move(snapshot)));
    ready_ = true;
  }
  void set_snapshot_of_ranges(model::Snapshot snapshot) {
    const std::scoped_lock lock(mutex_);
    of_range_ = std::make_shared<const model::Snapshot>(std::move(snapshot));
  }
  std::optional<UnixRange> asked_range() const {
    const std::scoped_lock lock(mutex_);
    return asked_range_;
  }
  void set_ready(bool ready) {
    const std::scoped_lock lock(mutex_);
    ready_ = ready;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const model::Snapshot>> snapshots_;
  bool ready_ = false;
  std::shared_ptr<const model::Snapshot> of_range_;
  mutable std::optional<UnixRange> asked_range_;
};

inline model::TargetSnapshot redis_target() {
  model::TargetSnapshot target;
  target.name = "redis-server";
  target.runtime = "native";
  target.allocator = "jemalloc";
  target.processes = {{{4242, 77}, 1'700'000'000'000'000'000, "redis-server *:6379"}};
  target.collectors = {{"alloc_bursts", "L2", model::CollectorState::kCollecting, "", ""}};
  target.allocations.per_second = model::Estimate{125000, 118000, 131000};
  target.allocations.bytes_per_second = model::Estimate{8e6, 7e6, 9e6};
  target.allocations.size_bytes = model::SizeSummary{64, 512, 4096, {{64, 10}, {512, 4}, {4096, 1}}};
  model::CallSite site;
  site.symbol = "createStringObject";
  site.object = "/usr/bin/redis-server";
  site.share_ratio = 0.4;
  site.per_second = model::Estimate{50000, {}, {}};
  target.call_sites = {site};
  target.cost.probe_hits = 20000;
  target.cost.observed_seconds = 60;
  target.cost.window_seconds = 0.08;
  target.cost.charged_cpu_ratio = 0.004;
  return target;
}

inline model::Snapshot redis_snapshot(std::uint64_t sequence) {
  model::Snapshot snapshot;
  snapshot.time_unix_ns = 1'700'000'000'000'000'000;
  snapshot.agent.version = "0.1.0";
  snapshot.agent.boot_id = "b00t";
  snapshot.agent.sequence = sequence;
  snapshot.targets = {redis_target()};
  return snapshot;
}

}  // namespace poolscope::api::testing
