#include "agent/sampler/snapshot_store.h"

#include <algorithm>
#include <utility>

namespace poolscope::sampler {

void SnapshotStore::publish(model::Snapshot snapshot) {
  auto shared = std::make_shared<const model::Snapshot>(std::move(snapshot));
  const std::lock_guard lock(mutex_);
  snapshots_.push_back(std::move(shared));
  while (snapshots_.size() > std::max<std::size_t>(capacity_, 1)) snapshots_.pop_front();
}

void SnapshotStore::set_ready() {
  const std::lock_guard lock(mutex_);
  ready_ = true;
}

void SnapshotStore::set_reload(bool successful, double time_unix_seconds) {
  const std::lock_guard lock(mutex_);
  reload_.successful = successful;
  if (successful) reload_.time_unix_seconds = time_unix_seconds;
}

std::shared_ptr<const model::Snapshot> SnapshotStore::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshots_.empty() ? nullptr : snapshots_.back();
}

std::vector<std::shared_ptr<const model::Snapshot>> SnapshotStore::history(std::uint64_t after,
                                                                           std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const auto first =
      std::upper_bound(snapshots_.begin(), snapshots_.end(), after,
                       [](std::uint64_t sequence, const auto& each) { return sequence < each->agent.sequence; });
  const auto count = std::min<std::size_t>(limit, static_cast<std::size_t>(snapshots_.end() - first));
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

bool SnapshotStore::ready() const {
  const std::lock_guard lock(mutex_);
  return ready_;
}

api::SnapshotSource::Reload SnapshotStore::last_reload() const {
  const std::lock_guard lock(mutex_);
  return reload_;
}

}  // namespace poolscope::sampler
