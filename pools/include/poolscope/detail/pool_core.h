#pragma once
// PoolCore: what ObjectPool, BufferPool and PoolResource have in common: threads' caches over a shared stack of
// batches, limits, counters, the slot on the stats page, ageing, debug checks. It handles objects as addresses; how
// they are made and destroyed is the derived class's.
//
//   Way of an object   put: own thread's cache; when that is full its colder half goes to the shared part as a
//                      batch; when that is full the object is destroyed. get: own cache, a batch of the shared part,
//                      a new object.
//   Bound              a thread's cache reserves its capacity out of max_idle_buffers, the shared part has the rest:
//                      what is idle never exceeds the limit, and nobody counts idle objects together for it.
//   Careful            limits on borrowed objects, checks of objects and debug checks need to see every get and put:
//                      then fast_serial_ is kNotFast, which no thread's entry matches, and all calls take the slow
//                      path. Without them the fast path pays nothing for them.
//   Closed             the owner is gone. What is still out is destroyed when it comes back; the last one takes the core along.
//   Locks              registry().mutex for who has which cache; no code of the user runs under it.

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "poolscope/detail/batch_stack.h"
#include "poolscope/detail/thread_cache.h"
#include "poolscope/pool_options.h"

struct ps_control;

namespace poolscope::detail {

class DebugLedger;

// Where a thread looks first: caches of the pools it used last, by serial number of the pool, which is never 0 or kNotFast.
inline constexpr std::size_t kThreadEntries = 32;
inline constexpr std::uint64_t kNotFast = ~std::uint64_t{0};
struct ThreadEntry {
  std::uint64_t serial = 0;
  ThreadCache* cache = nullptr;
  ps_block* counts = nullptr;  // cache->counts, for those who do not want to wait for the cache first
};
#if defined(__clang__) || defined(__GNUC__)
#define POOLSCOPE_TLS_MODEL [[gnu::tls_model("initial-exec")]]
#endif
POOLSCOPE_TLS_MODEL extern constinit thread_local std::array<ThreadEntry, kThreadEntries> thread_entries;

struct CoreIdentity {
  const char* kind = "poolscope";
  std::string element;
  std::uint64_t buffer_bytes = 0;
  std::uint64_t max_retained_bytes = 0;
  bool has_sizes = false;  // puts come with needed and buffer bytes
};

class PoolCore {
 public:
  PoolCore(PoolOptions options, const CoreIdentity& identity);
  PoolCore(const PoolCore&) = delete;
  PoolCore& operator=(const PoolCore&) = delete;

  // nullptr: max_borrowed_buffers are out. Throws what create_object() throws.
  // `borrower` is for the debug checks: the place in the code that wanted it; nullptr: the function that this is inlined
  // into, which is that of the user, in every build type.
  [[gnu::always_inline]] void* get(const void* borrower = nullptr) {
    void* object = get_fast();
    if (object != nullptr) [[likely]]
      return object;
    return get_slow(borrower);
  }

  void put(void* object, std::uint64_t needed_bytes = 0, std::uint64_t buffer_bytes = 0) noexcept {
    const ThreadEntry& entry = own_entry();
    if (entry.serial != fast_serial_.load(std::memory_order_relaxed) || is_watched(object)) [[unlikely]]
      return put_slow(object, needed_bytes, buffer_bytes);
    put_into(*entry.cache, *entry.counts, object, needed_bytes, buffer_bytes);
  }

  // The same for who knows the calling thread's cache, and that the pool is fast and `object` not watched.
  [[gnu::always_inline]] void put_into(ThreadCache& cache, ps_block& counts, void* object, std::uint64_t needed_bytes,
                                       std::uint64_t buffer_bytes) noexcept {
    const Kept kept = cache.keep(object, counts);
    if (kept == Kept::kNo) [[unlikely]]
      return put_slow(object, needed_bytes, buffer_bytes);
    if (kept == Kept::kAndLookIsDue) [[unlikely]]
      look_at_kept(cache, needed_bytes, buffer_bytes);
  }

  // Out of the calling thread's cache; nullptr: that needs the slow path.
  [[gnu::always_inline]] void* get_fast() noexcept {
    const ThreadEntry& entry = own_entry();
    if (entry.serial != fast_serial_.load(std::memory_order_relaxed)) [[unlikely]]
      return nullptr;
    return entry.cache->take(*entry.counts);
  }

  // A put that is not kept.
  void discard(void* object, ps_discard reason, std::uint64_t needed_bytes = 0,
               std::uint64_t buffer_bytes = 0) noexcept;
  void count_regrowth() noexcept;
  // For an object that get() just gave and that is of no use any more, another one. Throws what create_object() throws.
  void* renew(void* object, const void* borrower);
  // A get that the pool has nothing for: the caller made `object`, and gives it back with discard(). It is out, and
  // asks for no permit.
  void count_made_elsewhere(void* object, ps_miss reason, const void* borrower);

  // The calling thread's cache, nullptr where it cannot have one. For handles: valid until the thread or the pool ends.
  [[nodiscard]] ThreadCache* local_cache() noexcept;
  [[nodiscard]] bool is_fast() const noexcept { return fast_serial_.load(std::memory_order_relaxed) != kNotFast; }
  [[nodiscard]] bool is_watched(const void* object) const noexcept {
    return object == watched_.load(std::memory_order_relaxed);
  }
  void* get_slow(const void* borrower);
  void put_slow(void* object, std::uint64_t needed_bytes, std::uint64_t buffer_bytes) noexcept;

  void prewarm(std::uint64_t objects);
  void trim() noexcept;
  void flush_this_thread() noexcept;
  void set_max_idle(std::uint64_t buffers) noexcept;
  // False: the pool was made without such a limit.
  [[nodiscard]] bool set_max_borrowed(std::uint64_t buffers) noexcept;
  void set_debug_checks(DebugChecks checks);
  void set_careful() noexcept;  // sees every get and put from now on
  [[nodiscard]] PoolStats stats() const;
  [[nodiscard]] std::vector<PoolMisuse> borrowers() const;
  [[nodiscard]] const PoolOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::uint64_t max_idle() const noexcept { return max_idle_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t max_borrowed() const noexcept { return max_borrowed_.load(std::memory_order_relaxed); }

  // The owner goes. Nobody is inside a call; objects may still be out.
  void close() noexcept;

  // Of the registry, under its mutex.
  void detach(ThreadCache* cache) noexcept;
  void before_fork();
  void after_fork_in_parent();
  void after_fork_in_child(const void* thread) noexcept;
  // Before it, where the child has only its parent's page: what the pool counts is lost, and what lies in threads' caches.
  void leave_page() noexcept;
  [[nodiscard]] std::uint64_t serial() const noexcept { return serial_; }

 protected:
  virtual ~PoolCore();
  virtual void* create_object() = 0;
  virtual void destroy_object(void* object) noexcept = 0;
  // False: not to be handed out; it is destroyed.
  virtual bool is_valid(void* /*object*/) noexcept { return true; }
  // For the debug checks: a value of what an idle object holds, which use after release would change.
  virtual std::uint64_t fingerprint(void* object) noexcept = 0;
  virtual void seal(void* /*object*/) noexcept {}
  // False: these cannot be. PS_UNCHANGED leaves a limit as it is.
  virtual bool set_sizes(std::uint64_t buffer_bytes, std::uint64_t max_retained_bytes) noexcept;
  ps_pool& slot() noexcept { return *slot_; }
  // A limit or size has changed, or was set to what it is. `option`: its name in the options.
  void count_resize(const char* option, std::uint64_t before, std::uint64_t after) noexcept;
  void event(PoolEvent::Kind kind, ps_discard reason = PS_DISCARD_FULL, std::uint64_t objects = 1) const;

 private:
  ThreadEntry& own_entry() const noexcept {
    return *reinterpret_cast<ThreadEntry*>(reinterpret_cast<char*>(thread_entries.data()) + entry_offset_);
  }
  // Where the calling thread counts, and its cache if it has one.
  struct Local {
    ThreadCache* cache;
    ps_block* counts;
    // By reference to a word of *counts.
    void add(ps_u64& word, ps_u64 more = 1) const noexcept {
      cache != nullptr ? ps_count(&word, more) : ps_count_shared(&word, more);
    }
  };

  Local local() noexcept;
  ThreadCache* attach(std::unordered_map<std::uint64_t, ThreadCache*>& caches);
  ps_block* take_block();
  [[nodiscard]] static bool is_private(const ps_block* block) noexcept;
  // Puts, on average, from one that is looked at to the next: often enough for those whose object is to be watched.
  [[nodiscard]] std::uint32_t look_one_in() const noexcept {
    return options_.sample_one_in > 0 ? std::min(options_.sample_one_in, kWatchOneIn) : kWatchOneIn;
  }
  [[gnu::always_inline]] std::uint64_t puts_until_look(ThreadCache& cache) const noexcept {
    return cache.random_step(look_one_in());
  }
  // After a put that was looked at: so that one get in kWatchOneIn is watched.
  void choose_newest(ThreadCache& cache) const noexcept {
    if (cache.happens(look_one_in(), kWatchOneIn)) cache.choose(cache.depth() - 1);
  }
  void look_at_kept(ThreadCache& cache, std::uint64_t needed_bytes, std::uint64_t buffer_bytes) noexcept;
  void look_at_put(const Local& local, std::uint64_t needed_bytes, std::uint64_t buffer_bytes) noexcept;
  void restart_private_counts() noexcept;
  void restart_published_words() noexcept;

  void count_miss(const Local& local, ps_miss reason) noexcept;
  void count_discard(const Local& local, ps_discard reason) noexcept;
  void* find_idle(const Local& local) noexcept;
  void* refill(const Local& local) noexcept;
  void* make(const Local& local);
  bool keep_counted(const Local& local, void* object) noexcept;
  void keep_or_drop(const Local& local, void* object) noexcept;
  void spill(const Local& local) noexcept;
  std::size_t share(void* const* objects, std::size_t count) noexcept;
  std::size_t reserve_shared(std::size_t count) noexcept;
  [[nodiscard]] bool publish(void* const* objects, std::size_t count) noexcept;
  void drop(const Local& local, void* object, ps_discard reason) noexcept;
  void absorb(const Local& local, const Batch& batch, std::uint32_t count) noexcept;
  void late_put(void* object) noexcept;

  enum class Permit { kYes, kNo, kExtra };
  Permit take_permit(const Local& local) noexcept;
  bool wait_for_permit() noexcept;
  bool try_permit() noexcept;
  bool return_permit() noexcept;

  void tick(const Local& local) noexcept;
  void trim(const Local& local) noexcept;
  void reserve_capacity(ThreadCache& cache) noexcept;
  void settle(const Local& local) noexcept;
  void take_request() noexcept;
  void mark() noexcept;

  void watch(void* object) noexcept;
  void unwatch(void* object) noexcept;
  [[gnu::always_inline]] void sample(ThreadCache& cache, std::uint64_t needed_bytes,
                                     std::uint64_t buffer_bytes) noexcept {
    if (options_.sample_one_in == 0) return;
    if (options_.sample_one_in > kWatchOneIn && !cache.happens(kWatchOneIn, options_.sample_one_in)) return;
    // Else somebody else writes the last ones: this one is lost, whatever its value.
    if (cache.sample_count < kSampleBuffer) {
      const auto shared = static_cast<std::uint64_t>(shared_idle_.load(std::memory_order_relaxed));
      cache.samples[cache.sample_count++] = {shared + cache.depth(), needed_bytes, buffer_bytes};
    }
    if (cache.sample_count == kSampleBuffer) flush_samples(cache);
  }
  void flush_samples(ThreadCache& cache) noexcept;

  bool checked_get(void* object) noexcept;
  bool checked_put(const Local& local, void* object) noexcept;
  void misuse(PoolMisuse found) const noexcept;

  // Read by every get and put.
  std::uint64_t serial_ = 0;
  std::size_t entry_offset_ = 0;                      // of serial_ in thread_entries, in bytes
  std::atomic<std::uint64_t> fast_serial_{kNotFast};  // serial_, or kNotFast
  std::atomic<void*> watched_{nullptr};

  // Slow path.
  std::atomic<bool> is_closed_{false};
  std::atomic<bool> is_bounded_{false};
  std::atomic<DebugLedger*> ledger_{nullptr};
  std::atomic<std::uint64_t> max_idle_, max_borrowed_, shared_limit_;
  std::uint64_t cleanup_interval_ns_;
  std::uint64_t watched_since_ns_ = 0;
  alignas(64) std::atomic<std::int64_t> shared_idle_{0};
  std::atomic<std::int64_t> live_{0};      // objects that exist
  std::atomic<std::int64_t> borrowed_{0};  // where bounded
  std::atomic<std::uint64_t> next_cleanup_ns_{0};
  std::atomic_flag is_trimming_, is_sampling_;
  BatchStack<> shared_;

  std::mutex waiting_mutex_;
  std::unique_ptr<std::condition_variable> returned_ = std::make_unique<std::condition_variable>();
  std::unique_ptr<std::condition_variable> returned_after_fork_;  // made before it: a child should not need the heap
  std::atomic<int> waiters_{0};

  PoolOptions options_;
  bool has_sizes_;
  std::atomic<bool> is_checked_{false};  // set_careful() was called
  bool is_published_ = false;
  ps_pool* slot_ = nullptr;
  ps_block* common_ = nullptr;  // of threads without a cache
  // Under registry().mutex.
  std::vector<ThreadCache*> caches_;
  std::vector<ps_block*> blocks_, free_blocks_;
  std::uint64_t reserved_ = 0;                         // by caches
  std::uint64_t request_taken_ = 0;                    // of ps_control.request
  std::vector<std::unique_ptr<DebugLedger>> ledgers_;  // also old ones: a thread may still be in them
};

struct CloseCore {
  void operator()(PoolCore* core) const noexcept { core->close(); }
};

}  // namespace poolscope::detail
