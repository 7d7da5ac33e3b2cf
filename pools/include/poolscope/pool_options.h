#pragma once
// What the pools of libpoolscope can be told, and what they tell: options, events, counts, misuse.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "poolscope/stats_page.h"

namespace poolscope {

inline constexpr std::uint64_t kNoLimit = PS_NO_LIMIT;

// What a get does when max_borrowed_buffers are out.
enum class AtLimit {
  kFail,   // gives an empty lease
  kBlock,  // waits until one comes back, at most `wait_at_most`, then as kFail
  kHeap,   // makes one more, which is destroyed when it comes back; counted as a miss, reason exhausted
};

enum class DebugChecks { kOff, kOn };

struct PoolEvent {
  enum class Kind { kCreate, kDiscard, kExhausted, kResize };
  Kind kind;
  const char* pool;           // its name
  ps_discard reason{};        // of kDiscard
  std::uint64_t objects = 1;  // how many
};

// Found by the debug checks.
struct PoolMisuse {
  enum class Kind { kReleasedTwice, kForeign, kUsedAfterRelease, kLeaked };
  Kind kind;
  const char* pool;
  const void* object;
  const void* borrower;       // return address of the get that handed it out last; nullptr: not known
  std::uint64_t borrowed_ns;  // how long it has been out; 0 where it is not
};
// One line: "pool net.buffers: 0x55... released twice; borrowed by main+0x1f".
[[nodiscard]] std::string describe(const PoolMisuse& misuse);

struct PoolOptions {
  std::string name = {};
  // At most so many idle ones are kept, in threads' caches and in the shared part together.
  std::uint64_t max_idle_buffers = kNoLimit;
  // At most so many are out at a time. Any limit here costs every get and put an atomic operation.
  std::uint64_t max_borrowed_buffers = kNoLimit;
  AtLimit at_limit = AtLimit::kFail;
  std::chrono::nanoseconds wait_at_most = std::chrono::hours(24);
  // Idle ones that a thread keeps for itself, at most 64; less when max_idle_buffers is small. 0: all share.
  std::uint32_t thread_cache_buffers = 32;
  std::uint64_t prewarm_buffers = 0;
  // What lay idle in the shared part for one to two intervals is destroyed, by whatever get or put next comes to the
  // shared part. 0: never. What a thread keeps for itself does not age: only the thread can take it out, and one that rests does not look.
  // A thread that is about to rest for long calls flush_this_thread().
  std::chrono::nanoseconds cleanup_interval{0};
  // One in so many puts, at random, is looked at for the distributions. 0: none.
  std::uint32_t sample_one_in = 128;
  // Whether the agent sees this pool (poolscope/stats_page.h), and may change its limits.
  bool publish = true;
  bool resizable_by_agent = false;
  DebugChecks debug_checks = DebugChecks::kOff;
  // Called from whatever thread gets or puts, without a lock held; must not throw. May use other pools, not this one.
  std::function<void(const PoolEvent&)> on_event = {};
  // What to do about misuse. Without it: the description goes to stderr, and the program aborts.
  std::function<void(const PoolMisuse&)> on_misuse = {};
};

// Counts since the pool was made, over all threads; of a forked child since the fork. Single values are exact once
// no thread is inside a call.
struct PoolStats {
  std::uint64_t gets = 0, gets_failed = 0, puts = 0;
  std::uint64_t misses[PS_MISS_REASONS] = {};       // by ps_miss
  std::uint64_t discards[PS_DISCARD_REASONS] = {};  // by ps_discard
  std::uint64_t created = 0, destroyed = 0, regrowths = 0;
  std::uint64_t borrowed = 0, idle = 0;
  std::uint64_t resizes_up = 0, resizes_down = 0;

  [[nodiscard]] std::uint64_t all_misses() const;
  [[nodiscard]] std::uint64_t all_discards() const;
  [[nodiscard]] std::uint64_t hits() const { return gets - all_misses(); }
  // Of all gets; 0 without any.
  [[nodiscard]] double hit_ratio() const {
    return gets == 0 ? 0 : static_cast<double>(hits()) / static_cast<double>(gets);
  }
};

}  // namespace poolscope
