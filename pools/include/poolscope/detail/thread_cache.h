#pragma once
// ThreadCache: the idle objects that one thread keeps for itself, newest on top. Only its thread puts and takes; others may lower
// `capacity`. A get or put that finds what it needs here is a few plain loads and stores.

#include <array>
#include <atomic>
#include <cstdint>

#include "poolscope/stats_page.h"

namespace poolscope::detail {

inline constexpr std::uint32_t kMaxThreadCache = 64;
inline constexpr std::uint32_t kSampleBuffer = 16;
inline constexpr std::uint32_t kWatchOneIn = 1024;  // gets, at random, whose object is followed until it is put

class PoolCore;

struct PutSample {
  std::uint64_t idle = 0, needed_bytes = 0, buffer_bytes = 0;
};

struct alignas(128) ThreadCache {
  // Release: the child of a fork takes what lies below `top` in the caches of threads that it does not have.
  std::atomic<std::uint32_t> top{0};
  std::atomic<std::uint32_t> capacity{0};
  ps_block* counts = nullptr;
  std::uint64_t sample_at = 0;  // value of counts->puts at which a put is looked at
  std::uint64_t watch_at = 0;   // value of counts->gets at which an object is watched until it is put
  std::array<void*, kMaxThreadCache> objects{};

  std::array<PutSample, kSampleBuffer> samples{};
  std::uint32_t sample_count = 0;
  std::uint32_t random_state = 1;
  PoolCore* pool = nullptr;
  const void* thread = nullptr;  // address that tells the owner from other living threads

  // nullptr: empty, or this get is to be watched.
  void* take() noexcept {
    const std::uint32_t depth = top.load(std::memory_order_relaxed);
    ps_block* const block = counts;
    const ps_u64 gets = ps_load(&block->gets) + 1;
    if (depth == 0 || gets == watch_at) [[unlikely]]
      return nullptr;
    void* object = objects[depth - 1];
    top.store(depth - 1, std::memory_order_relaxed);
    ps_store(&block->gets, gets);
    return object;
  }

  // False: full, or this put is to be looked at.
  [[nodiscard]] bool keep(void* object) noexcept {
    const std::uint32_t depth = top.load(std::memory_order_relaxed);
    ps_block* const block = counts;
    const ps_u64 puts = ps_load(&block->puts) + 1;
    if (depth >= capacity.load(std::memory_order_relaxed) || puts == sample_at) [[unlikely]]
      return false;
    objects[depth] = object;
    top.store(depth + 1, std::memory_order_release);
    ps_store(&block->puts, puts);
    return true;
  }

  [[nodiscard]] bool is_sample_due() const noexcept { return ps_load(&counts->puts) + 1 >= sample_at; }

  // The newest one, whatever is to be watched. The cache is not empty.
  void* pop() noexcept {
    const std::uint32_t depth = top.load(std::memory_order_relaxed) - 1;
    void* object = objects[depth];
    top.store(depth, std::memory_order_relaxed);
    return object;
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
