#pragma once
// SnapshotStore: the latest Snapshot and the ones before it, for the HTTP server.
//   Threads   publish() and set_*() from the measuring thread, everything else from any thread.
//   Ranges    are estimated on the measuring thread, which has the records: one at a time, so that who asks all the time is kept waiting and not
//             the measuring.
//   Memory    the last `capacity` snapshots, fewer when they are large: about kMaxHistoryBytes. Shared with whoever still reads one.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/api/server.h"
#include "agent/sampler/record_tail.h"
#include "exporters/model/snapshot.h"
#include "exporters/model/target_record.h"

namespace poolscope::sampler {

class SnapshotStore final : public api::SnapshotSource {
 public:
  static constexpr std::size_t kMaxHistoryBytes = std::size_t{64} << 20;

  explicit SnapshotStore(std::size_t capacity) : capacity_(capacity) {}

  void publish(model::Snapshot snapshot);
  void set_ready();
  void set_reload(bool successful, double time_unix_seconds);

  // Answers one of those who wait in snapshot_of(), if there is one. From the measuring thread, several times a second.
  using Estimate = std::function<std::optional<model::Snapshot>(const model::TimeRange&)>;
  void answer_range(const Estimate& estimate);
  // Nobody waits any longer.
  void stop_answering();
  // Wants to be told all records.
  [[nodiscard]] RecordTail& tail() { return tail_; }

  [[nodiscard]] std::shared_ptr<const model::Snapshot> snapshot() const override;
  [[nodiscard]] Result<std::shared_ptr<const model::Snapshot>, api::RangeRefusal> snapshot_of(
      const api::UnixRange& range) const override;
  [[nodiscard]] std::vector<std::shared_ptr<const model::Snapshot>> history(std::uint64_t after,
                                                                            std::size_t limit) const override;
  [[nodiscard]] std::string records_after(std::uint64_t unix_ns) const override { return tail_.after(unix_ns); }
  [[nodiscard]] bool ready() const override;
  [[nodiscard]] Reload last_reload() const override;

 private:
  // Somebody who waits.
  struct Question {
    model::TimeRange range;
    std::shared_ptr<const model::Snapshot> answer;
    bool is_answered = false;
  };

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  mutable std::condition_variable answered_;
  mutable std::deque<std::shared_ptr<Question>> questions_;
  bool answers_ = true;
  struct Kept {
    std::shared_ptr<const model::Snapshot> snapshot;
    std::size_t bytes = 0;
  };
  std::deque<Kept> snapshots_;  // ascending by agent.sequence
  std::size_t kept_bytes_ = 0;
  bool ready_ = false;
  Reload reload_;
  mutable RecordTail tail_;
};

}  // namespace poolscope::sampler
