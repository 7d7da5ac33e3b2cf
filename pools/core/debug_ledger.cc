#include "pools/core/debug_ledger.h"

namespace poolscope::detail {

void DebugLedger::note_get(void* object, const void* borrower) {
  const std::lock_guard lock(mutex_);
  if (objects_.find(object) == objects_.end() && unseen_ > 0) --unseen_;
  objects_[object] = {true, borrower, std::chrono::steady_clock::now(), std::nullopt};
}

DebugLedger::Verdict DebugLedger::note_put(void* object) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(object);
  if (found == objects_.end()) {
    if (unseen_ == 0) return Verdict::kForeign;
    --unseen_;
    objects_[object] = {};
    return Verdict::kFine;
  }
  if (!found->second.is_out) return Verdict::kTwice;
  found->second.is_out = false;
  return Verdict::kFine;
}

void DebugLedger::note_fingerprint(void* object, std::uint64_t value) {
  const std::lock_guard lock(mutex_);
  objects_[object].fingerprint = value;
}

void DebugLedger::note_destroyed(void* object) {
  const std::lock_guard lock(mutex_);
  if (objects_.erase(object) == 0 && unseen_ > 0) --unseen_;
}

std::optional<std::uint64_t> DebugLedger::fingerprint_of(void* object) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(object);
  return found == objects_.end() ? std::nullopt : found->second.fingerprint;
}

const void* DebugLedger::last_borrower(void* object) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(object);
  return found == objects_.end() ? nullptr : found->second.borrower;
}

std::vector<PoolMisuse> DebugLedger::borrowed() const {
  const std::lock_guard lock(mutex_);
  std::vector<PoolMisuse> out;
  const auto now = std::chrono::steady_clock::now();
  for (const auto& [object, entry] : objects_) {
    if (!entry.is_out) continue;
    const auto age = std::chrono::duration_cast<std::chrono::nanoseconds>(now - entry.since).count();
    out.push_back({PoolMisuse::Kind::kLeaked, "", object, entry.borrower, static_cast<std::uint64_t>(age)});
  }
  return out;
}

}  // namespace poolscope::detail
