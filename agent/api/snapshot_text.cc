#include "agent/api/snapshot_text.h"

#include "agent/api/compression.h"
#include "exporters/model/json.h"

namespace poolscope::api {

void SnapshotText::make_current(const model::Snapshot& snapshot) {
  if (json_ && sequence_ == snapshot.agent.sequence && boot_id_ == snapshot.agent.boot_id) return;
  json_ = std::make_shared<const std::string>(model::to_json(snapshot));
  gzipped_json_ = nullptr;
  sequence_ = snapshot.agent.sequence;
  boot_id_ = snapshot.agent.boot_id;
}

SnapshotText::Text SnapshotText::json(const model::Snapshot& snapshot) {
  const std::scoped_lock lock(mutex_);
  make_current(snapshot);
  return json_;
}

SnapshotText::Text SnapshotText::gzipped_json(const model::Snapshot& snapshot) {
  const std::scoped_lock lock(mutex_);
  make_current(snapshot);
  if (!gzipped_json_) gzipped_json_ = std::make_shared<const std::string>(gzip(*json_));
  return gzipped_json_;
}

}  // namespace poolscope::api
