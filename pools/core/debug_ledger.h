#pragma once
// DebugLedger: what the debug checks know about each object of a pool: out or idle, who borrowed it, what it held when it came back.
//   Threads   any; one lock for all. Slow on purpose: it is on only while somebody looks for a fault.
//   Late      checks may be switched on while objects exist. Each of these is believed once, when it is first seen; one object more
//             that nobody saw come is foreign.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "poolscope/pool_options.h"

namespace poolscope::detail {

class DebugLedger {
 public:
  enum class Verdict { kFine, kTwice, kForeign };

  explicit DebugLedger(std::uint64_t objects_before) : unseen_(objects_before) {}

  void note_get(void* object, const void* borrower);
  Verdict note_put(void* object);
  void note_fingerprint(void* object, std::uint64_t value);
  void note_destroyed(void* object);
  // Of an idle object that was put since the checks are on.
  [[nodiscard]] std::optional<std::uint64_t> fingerprint_of(void* object) const;
  [[nodiscard]] const void* last_borrower(void* object) const;
  // All that are out, without the name of the pool; kind kLeaked.
  [[nodiscard]] std::vector<PoolMisuse> borrowed() const;

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  struct Entry {
    bool is_out = false;
    const void* borrower = nullptr;
    std::chrono::steady_clock::time_point since;
    std::optional<std::uint64_t> fingerprint;
  };
  mutable std::mutex mutex_;
  std::unordered_map<void*, Entry> objects_;
  std::uint64_t unseen_;
};

}  // namespace poolscope::detail
