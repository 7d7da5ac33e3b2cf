#pragma once
// ThreadCache: the idle objects that one thread keeps for itself, newest on top. Only its thread puts and takes; others may lower
// its capacity. A get or put that finds what it needs here is a few plain loads and stores.
//
//   Counting  how many lie here is a part of the word on the stats page that counts their gets and puts (ps_block.cached), so
//             that both cost one store.
//   Places    places[0] is always nullptr, above it lie the objects: what a get finds at the depth tells at the same time
//             whether there is one.
//   Due       the put after which the word has PS_CACHED_DUE set is looked at, as are those that follow until the word
//             begins anew. That is one in so many, by where it begins.
//   Chosen    an object whose next get is watched lies beside its place, which holds nullptr meanwhile: that get finds none.
//             These, and all that finds no help here, take the slow path.
//   fork()    the word goes on changing in the parent: the child knows what lies in the cache of the thread that forked,
//             because that one noted it, and of no other.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <utility>

#include "poolscope/stats_page.h"
#include "poolscope/stats_writer.h"

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

enum class Kept { kNo, kYes, kAndLookIsDue };

struct PutSample {
  std::uint64_t idle = 0, needed_bytes = 0, buffer_bytes = 0;
};

class alignas(128) ThreadCache {
 public:
  // `block` is *counts. nullptr: empty, or this get is to be watched.
  void* take(ps_block& block) noexcept {
    ps_u64& word = word_in(block);
    const ps_u64 before = ps_load(&word);
    void* const object = places_[depth_of(before)];
    if (object == nullptr) [[unlikely]]
      return nullptr;
    ps_store(&word, before - PS_CACHED_GET);
    return object;
  }

  // `block` is *counts. kNo: full.
  [[nodiscard, gnu::always_inline]] Kept keep(void* object, ps_block& block) noexcept {
    ps_u64& word = word_in(block);
    const ps_u64 before = ps_load(&word), after = before + kPut;
    const std::size_t depth = depth_of(before);
    if (depth >= capacity()) [[unlikely]]
      return Kept::kNo;
    places_[depth + 1] = object;
    ps_store(&word, after);
    if ((after & PS_CACHED_DUE) != 0) [[unlikely]]
      return Kept::kAndLookIsDue;
    return Kept::kYes;
  }

  [[nodiscard]] std::size_t depth() const noexcept { return depth_of(ps_load(&word_in(*counts))); }
  // Nothing is counted. As many objects lie here.
  void set_depth(std::size_t depth) noexcept {
    if (kCounts)
      ps_cache_set_depth(counts, depth);
    else
      own_word_ = depth;
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_.load(std::memory_order_relaxed); }
  void set_capacity(std::size_t objects) noexcept { capacity_.store(objects, std::memory_order_relaxed); }
  [[nodiscard]] bool is_full() const noexcept { return depth() >= capacity(); }

  // Put number `puts` from now is the next one to be looked at.
  void look_after(std::uint64_t puts) noexcept {
    if (kCounts) ps_cache_restart(counts, depth(), puts);
  }

  // Without a count, whatever is due. There is room, or something here.
  void push(void* object) noexcept {
    const std::size_t now = depth() + 1;
    places_[now] = object;
    set_depth(now);
  }
  void push(void* const* objects, std::size_t count) noexcept {
    const std::size_t before = depth();
    for (std::size_t i = 0; i < count; ++i) places_[before + 1 + i] = objects[i];
    set_depth(before + count);
  }
  void* pop() noexcept {
    const std::size_t top = depth();
    void* object = places_[top];
    if (object == nullptr) object = std::exchange(chosen_, nullptr);
    set_depth(top - 1);
    return object;
  }

  // The oldest `count`, without a count.
  void pop_oldest(void** objects, std::size_t count) noexcept;
  // What lies here now, in private memory: for the child of a fork, and for the end of the pool, after which the word may be
  // somebody else's.
  void note_objects() noexcept {
    restore_chosen();
    noted_ = depth();
  }
  [[nodiscard]] std::span<void* const> noted_objects() const noexcept { return {places_.data() + 1, noted_}; }

  // The next get of the object in this place is to be watched, and not that of the one that was chosen before: it may lie so deep
  // that nobody takes it.
  void choose(std::size_t from_oldest) noexcept {
    restore_chosen();
    chosen_place_ = from_oldest + 1;
    chosen_ = std::exchange(places_[chosen_place_], nullptr);
  }
  [[nodiscard]] bool is_newest_chosen() const noexcept { return chosen_ != nullptr && depth() == chosen_place_; }

  std::uint32_t random() noexcept {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    return random_state ^= random_state << 5;
  }
  // 1 .. 2 * mean - 1, all equally likely: the mean is `mean`, and no load has the same rhythm.
  std::uint64_t random_step(std::uint32_t mean) noexcept {
    return 1 + (std::uint64_t{random()} * (2 * std::uint64_t{mean} - 1) >> 32);
  }
  // With a probability of `part` in `whole`.
  bool happens(std::uint32_t part, std::uint32_t whole) noexcept {
    return (std::uint64_t{random()} * whole >> 32) < part;
  }

  ps_block* counts = nullptr;
  std::uint64_t slow_puts_until_look = 1;  // those that take the slow path for another reason
  std::array<PutSample, kSampleBuffer> samples{};
  std::uint32_t sample_count = 0;
  std::uint32_t random_state = 1;
  PoolCore* pool = nullptr;
  const void* thread = nullptr;  // address that tells the owner from other living threads

 private:
  static constexpr ps_u64 kPut = kCounts ? PS_CACHED_PUT : 1;
  static std::size_t depth_of(ps_u64 word) noexcept { return kCounts ? word & PS_CACHED_DEPTH : word; }
  ps_u64& word_in(ps_block& block) const noexcept { return kCounts ? block.cached : own_word_; }
  void restore_chosen() noexcept {
    if (chosen_ != nullptr) places_[chosen_place_] = std::exchange(chosen_, nullptr);
  }

  std::atomic<std::size_t> capacity_{0};
  mutable ps_u64 own_word_ = 0;  // where nothing is counted
  std::array<void*, kMaxThreadCache + 1> places_{};
  void* chosen_ = nullptr;
  std::size_t chosen_place_ = 0;
  std::size_t noted_ = 0;
};

inline void ThreadCache::pop_oldest(void** objects, std::size_t count) noexcept {
  restore_chosen();
  const std::size_t left = depth() - count;
  std::copy_n(places_.begin() + 1, count, objects);
  std::copy_n(places_.begin() + 1 + static_cast<std::ptrdiff_t>(count), left, places_.begin() + 1);
  set_depth(left);
}

}  // namespace poolscope::detail
