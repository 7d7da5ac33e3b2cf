#pragma once
// ThreadCache: the idle objects that one thread keeps for itself, newest on top. Only its thread puts and takes; others may lower
// its capacity. A get or put that finds what it needs here is a few plain loads and stores.
//
//   Places    places[0] is always nullptr, above it lie the objects. `top` is the place of the newest one: what a get finds there
//             tells at the same time whether there is one.
//   Due       one get in so many is watched, one put in so many is looked at: those with which the counts become watch_at and
//             sample_at. They and all that finds no help here take the slow path.

#include <array>
#include <atomic>
#include <cstdint>

#include "poolscope/stats_page.h"

namespace poolscope::detail {

inline constexpr std::uint32_t kMaxThreadCache = 64;
inline constexpr std::uint32_t kSampleBuffer = 16;
inline constexpr std::uint32_t kWatchOneIn = 4096;  // gets, at random, whose object is followed until it is put

// What counting costs is found out by compiling the pools a second time without (tests/bench): every count is then wrong.
#ifdef POOLSCOPE_BENCH_WITHOUT_COUNTS
inline constexpr bool kCounts = false;
#else
inline constexpr bool kCounts = true;
#endif

class PoolCore;

struct PutSample {
  std::uint64_t idle = 0, needed_bytes = 0, buffer_bytes = 0;
};

struct alignas(128) ThreadCache {
  ThreadCache() noexcept {
    set_depth(0);
    set_capacity(0);
  }
  ThreadCache(const ThreadCache&) = delete;
  ThreadCache& operator=(const ThreadCache&) = delete;

  // Release: the child of a fork takes what lies up to `top` in the caches of threads that it does not have.
  std::atomic<void**> top;
  std::atomic<void**> last;  // the place that fills the cache
  ps_block* counts = nullptr;
  std::uint64_t watch_at = 0;   // value of counts->gets at which an object is watched until it is put
  std::uint64_t sample_at = 0;  // value of counts->puts at which a put is looked at
  std::array<void*, kMaxThreadCache + 1> places{};

  std::array<PutSample, kSampleBuffer> samples{};
  std::uint32_t sample_count = 0;
  std::uint32_t random_state = 1;
  PoolCore* pool = nullptr;
  const void* thread = nullptr;  // address that tells the owner from other living threads

  // `block` is *counts. nullptr: empty, or this get is to be watched.
  void* take(ps_block& block) noexcept {
    void** const place = top.load(std::memory_order_relaxed);
    const ps_u64 gets = kCounts ? ps_load(&block.gets) + 1 : 0;
    void* const object = *place;
    if (object == nullptr || (kCounts && gets == watch_at)) [[unlikely]]
      return nullptr;
    top.store(place - 1, std::memory_order_relaxed);
    if (kCounts) ps_store(&block.gets, gets);
    return object;
  }

  // `block` is *counts. False: full, or this put is to be looked at.
  [[nodiscard]] bool keep(void* object, ps_block& block) noexcept {
    void** const place = top.load(std::memory_order_relaxed);
    const ps_u64 puts = kCounts ? ps_load(&block.puts) + 1 : 0;
    if (place >= last.load(std::memory_order_relaxed) || (kCounts && puts == sample_at)) [[unlikely]]
      return false;
    place[1] = object;
    top.store(place + 1, std::memory_order_release);
    if (kCounts) ps_store(&block.puts, puts);
    return true;
  }

  [[nodiscard]] std::size_t depth() const noexcept {
    return static_cast<std::size_t>(top.load(std::memory_order_relaxed) - places.data());
  }
  void set_depth(std::size_t depth) noexcept { top.store(places.data() + depth, std::memory_order_release); }
  [[nodiscard]] std::size_t capacity() const noexcept {
    return static_cast<std::size_t>(last.load(std::memory_order_relaxed) - places.data());
  }
  void set_capacity(std::size_t objects) noexcept { last.store(places.data() + objects, std::memory_order_relaxed); }
  [[nodiscard]] bool is_full() const noexcept {
    return top.load(std::memory_order_relaxed) >= last.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_sample_due() const noexcept { return ps_load(&counts->puts) + 1 >= sample_at; }

  // The oldest one; depth() of them.
  [[nodiscard]] void** objects() noexcept { return places.data() + 1; }
  // The cache is not full.
  void push(void* object) noexcept {
    void** const place = top.load(std::memory_order_relaxed);
    place[1] = object;
    top.store(place + 1, std::memory_order_release);
  }
  // The newest one, whatever is due. The cache is not empty.
  void* pop() noexcept {
    void** const place = top.load(std::memory_order_relaxed);
    top.store(place - 1, std::memory_order_relaxed);
    return *place;
  }

  std::uint32_t random() noexcept {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    return random_state ^= random_state << 5;
  }
  // 1 .. 2 * mean - 1, all equally likely: the mean is `mean`, and no load has the same rhythm.
  std::uint64_t random_step(std::uint32_t mean) noexcept {
    return 1 + (std::uint64_t{random()} * (2 * std::uint64_t{mean} - 1) >> 32);
  }
};

}  // namespace poolscope::detail
