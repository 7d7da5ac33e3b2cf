#pragma once
// SnapshotStore: the latest Snapshot and the ones before it, for the HTTP server.
//   Threads   publish() and set_*() from the measuring thread, everything else from any thread.
//   Memory    the last `capacity` snapshots, shared with whoever still reads one.

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "agent/api/server.h"
#include "exporters/model/snapshot.h"

namespace poolscope::sampler {

class SnapshotStore final : public api::SnapshotSource {
 public:
  explicit SnapshotStore(std::size_t capacity) : capacity_(capacity) {}

  void publish(model::Snapshot snapshot);
  void set_ready();
  void set_reload(bool successful, double time_unix_seconds);

  [[nodiscard]] std::shared_ptr<const model::Snapshot> snapshot() const override;
  [[nodiscard]] std::vector<std::shared_ptr<const model::Snapshot>> history(std::uint64_t after,
                                                                            std::size_t limit) const override;
  [[nodiscard]] bool ready() const override;
  [[nodiscard]] Reload last_reload() const override;

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<const model::Snapshot>> snapshots_;  // ascending by agent.sequence
  bool ready_ = false;
  Reload reload_;
};

}  // namespace poolscope::sampler
