#pragma once
// SnapshotText: the JSON of the latest snapshot and its gzip form, made once however many viewers ask.
//   Threads   any. Whoever comes while the text is being made waits for it instead of making it again.
//   Memory    the text of one snapshot; callers hold theirs as long as they like.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "exporters/model/snapshot.h"

namespace poolscope::api {

class SnapshotText {
 public:
  using Text = std::shared_ptr<const std::string>;
  [[nodiscard]] Text json(const model::Snapshot& snapshot);
  [[nodiscard]] Text gzipped_json(const model::Snapshot& snapshot);

 private:
  void make_current(const model::Snapshot& snapshot);  // with mutex_ held

  std::mutex mutex_;
  std::string boot_id_;
  std::uint64_t sequence_ = 0;
  Text json_;          // of the snapshot with boot_id_ and sequence_; null before the first
  Text gzipped_json_;  // of json_; null until somebody asks
};

}  // namespace poolscope::api
