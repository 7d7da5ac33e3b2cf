#pragma once
// Patterns of gets and puts that every pool of the benchmark is put through. A pool is a class of which each thread makes one
// for itself: get() gives an object of kObjectBytes, put() takes it back, from whatever thread. What threads share is static.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

namespace poolscope::bench {

inline constexpr std::size_t kObjectBytes = 4096;
struct Object {
  char bytes[kObjectBytes];
};

// The one byte that is written: a pool hands out memory that somebody uses.
inline void use(void* object) {
  *static_cast<char*>(object) = 1;
  benchmark::DoNotOptimize(object);
  benchmark::ClobberMemory();
}

// ---- patterns: one iteration is one get and one put --------------------------------------------------------------------

template <typename Pool>
void one_pair(benchmark::State& state) {
  Pool pool;
  for (auto _ : state) {
    auto* const object = pool.get();
    use(object);
    pool.put(object);
  }
}

template <typename Pool>
void borrow_64(benchmark::State& state) {
  Pool pool;
  std::array<Object*, 64> out;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(out.size()))) {
    for (Object*& object : out) use(object = pool.get());
    for (Object* const object : out) pool.put(object);
  }
}

// Two trays between a thread that gets and one that puts: one is filled while the other is emptied. Who has none waits asleep.
struct Tray {
  std::array<Object*, 1024> objects{};
  alignas(64) std::atomic<int> is_full{0};
};
inline std::array<Tray, 2> trays;

template <typename Pool>
void make_idle(Pool& pool, std::size_t objects) {
  std::vector<Object*> made(objects);
  for (Object*& object : made) use(object = pool.get());
  for (Object* const object : made) pool.put(object);
}

template <typename Pool>
void hand_over(benchmark::State& state) {
  Pool pool;
  const int is_consumer = state.thread_index();
  if (is_consumer == 0) make_idle(pool, 4 * trays[0].objects.size());
  std::size_t round = 0;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(trays[0].objects.size()))) {
    Tray& tray = trays[round++ % trays.size()];
    tray.is_full.wait(1 - is_consumer);
    for (Object*& object : tray.objects) {
      if (is_consumer != 0)
        pool.put(object);
      else
        use(object = pool.get());
    }
    tray.is_full = 1 - is_consumer;
    tray.is_full.notify_one();
  }
}

// 64 bytes to 64 KiB, each power of two as likely as the next. The same for every pool.
inline const std::array<std::uint32_t, 1024>& random_sizes() {
  static const auto sizes = [] {
    std::array<std::uint32_t, 1024> made{};
    std::mt19937 random(7);
    for (auto& bytes : made) {
      const std::uint32_t power = 64U << random() % 10;
      bytes = power + random() % power;
    }
    return made;
  }();
  return sizes;
}

// Sixteen are out; the one that has been out longest goes back before each get. Pool: get(bytes), put(held), a type Held.
template <typename Pool>
void random_bytes(benchmark::State& state) {
  Pool pool;
  const auto& sizes = random_sizes();
  std::array<typename Pool::Held, 16> out{};
  std::size_t turn = 0;
  for (auto _ : state) {
    auto& held = out[turn % out.size()];
    if (turn >= out.size()) pool.put(held);
    held = pool.get(sizes[turn % sizes.size()]);
    use(Pool::memory(held));
    ++turn;
  }
  for (std::size_t i = 0; i < out.size() && i < turn; ++i) pool.put(out[i]);
}

// ---- the same information ------------------------------------------------------------------------------------------------

// Any pool with the counts that ours has by default, as they are usually kept: one atomic counter for gets, one for puts.
template <typename Pool>
struct Counted : Pool {
  Object* get() {
    gets.fetch_add(1, std::memory_order_relaxed);
    return Pool::get();
  }
  void put(Object* object) {
    puts.fetch_add(1, std::memory_order_relaxed);
    Pool::put(object);
  }
  alignas(64) static inline std::atomic<std::uint64_t> gets{0};
  alignas(64) static inline std::atomic<std::uint64_t> puts{0};
};

// ---- registration --------------------------------------------------------------------------------------------------------

inline void add_pair(const std::string& name, void (*pattern)(benchmark::State&)) {
  for (const int threads : {1, 2, 8})
    benchmark::RegisterBenchmark(("pair/" + name).c_str(), pattern)->Threads(threads)->UseRealTime();
}

template <typename Pool>
void add_patterns(const std::string& name) {
  add_pair(name, one_pair<Pool>);
  benchmark::RegisterBenchmark(("borrowed_64/" + name).c_str(), borrow_64<Pool>)->UseRealTime();
  // As many as it takes for the first and the last tray not to matter.
  benchmark::RegisterBenchmark(("handover/" + name).c_str(), hand_over<Pool>)
      ->Threads(2)
      ->Iterations(1 << 19)
      ->MeasureProcessCPUTime()
      ->UseRealTime();
}

template <typename Pool>
void add_peer(const std::string& name) {
  add_patterns<Pool>(name);
  add_patterns<Counted<Pool>>(name + "+counters");
}

template <typename Pool>
void add_random_sizes(const std::string& name) {
  benchmark::RegisterBenchmark(("random_sizes/" + name).c_str(), random_bytes<Pool>)->UseRealTime();
}

}  // namespace poolscope::bench
