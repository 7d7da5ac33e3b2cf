// What a get and a put cost: pools of libpoolscope beside a bare array of the thread, a mutex around a vector, and
// malloc. Buffers of 4 KiB, of which one byte is written. Run by tests/bench/pools.py, which also puts other
// allocators in front of malloc.
#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include <benchmark/benchmark.h>

#include "poolscope/buffer_pool.h"
#include "poolscope/object_pool.h"
#include "poolscope/pool_resource.h"

namespace {

struct Buffer {
  char bytes[4096];
};
struct Nothing {
  void operator()(Buffer&) const {}
};
using Pool = poolscope::ObjectPool<Buffer, Nothing>;

// ---- what is compared: get() and put() -------------------------------------------------------------------------------

// The least that a pool can do: no bounds shared by threads, no counts, no limits.
struct BareArray {
  static Buffer* get() {
    auto& mine = cache;
    return mine.top > 0 ? mine.objects[--mine.top] : new Buffer;
  }
  static void put(Buffer* buffer) {
    auto& mine = cache;
    if (mine.top < mine.objects.size())
      mine.objects[mine.top++] = buffer;
    else
      delete buffer;
  }
  struct Cache {
    std::array<Buffer*, 64> objects;
    std::size_t top;
  };
  static constinit thread_local Cache cache;
};
constinit thread_local BareArray::Cache BareArray::cache{};

Pool& pool() {
  static Pool shared({.name = "bench"});
  return shared;
}
struct Object {
  static Buffer* get() { return pool_->acquire_raw(); }
  static void put(Buffer* buffer) { pool_->release(buffer); }
  static inline Pool* const pool_ = &pool();
};
struct Unsampled {
  static Buffer* get() { return pool_->acquire_raw(); }
  static void put(Buffer* buffer) { pool_->release(buffer); }
  static inline Pool* const pool_ = new Pool({.name = "unsampled", .sample_one_in = 0});
};
struct Bounded {
  static Buffer* get() { return pool_->acquire_raw(); }
  static void put(Buffer* buffer) { pool_->release(buffer); }
  static inline Pool* const pool_ = new Pool({.name = "bounded", .max_borrowed_buffers = 100000});
};
struct Resource {
  static Buffer* get() { return static_cast<Buffer*>(resource->allocate(sizeof(Buffer))); }
  static void put(Buffer* buffer) { resource->deallocate(buffer, sizeof(Buffer)); }
  static inline std::pmr::memory_resource* const resource =
      new poolscope::PoolResource({.pool = {.name = "pmr", .sample_one_in = 8}});
};
struct Synchronized {
  static Buffer* get() { return static_cast<Buffer*>(resource->allocate(sizeof(Buffer))); }
  static void put(Buffer* buffer) { resource->deallocate(buffer, sizeof(Buffer)); }
  static inline std::pmr::memory_resource* const resource = new std::pmr::synchronized_pool_resource(
      std::pmr::pool_options{.max_blocks_per_chunk = 1024, .largest_required_pool_block = 65536});
};
struct Malloc {
  static Buffer* get() { return static_cast<Buffer*>(std::malloc(sizeof(Buffer))); }
  static void put(Buffer* buffer) { std::free(buffer); }
};
struct MutexVector {
  static Buffer* get() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return new Buffer;
    Buffer* buffer = idle.back();
    idle.pop_back();
    return buffer;
  }
  static void put(Buffer* buffer) {
    const std::lock_guard lock(mutex);
    idle.push_back(buffer);
  }
  static inline std::mutex mutex;
  static inline std::vector<Buffer*> idle;
};

// The cache of a thread as ObjectPool has it, without counts: what counting costs is the difference to Handle.
struct UncountedCache {
  poolscope::detail::ThreadCache cache;
  Buffer* get() {
    const auto depth = cache.top.load(std::memory_order_relaxed);
    if (depth == 0) return new Buffer;
    void* object = cache.objects[depth - 1];
    cache.top.store(depth - 1, std::memory_order_relaxed);
    return static_cast<Buffer*>(object);
  }
  void put(Buffer* buffer) {
    const auto depth = cache.top.load(std::memory_order_relaxed);
    if (depth >= cache.capacity.load(std::memory_order_relaxed)) return delete buffer;
    cache.objects[depth] = buffer;
    cache.top.store(depth + 1, std::memory_order_release);
  }
};

void use(Buffer* buffer) {
  buffer->bytes[0] = 1;
  benchmark::DoNotOptimize(buffer);
  benchmark::ClobberMemory();
}

// ---- loads -------------------------------------------------------------------------------------------------------------

template <typename Which>
void pair(benchmark::State& state) {
  for (auto _ : state) {
    Buffer* buffer = Which::get();
    use(buffer);
    Which::put(buffer);
  }
}

void pair_lease(benchmark::State& state) {
  Pool& shared = *Object::pool_;
  for (auto _ : state) {
    const auto lease = shared.acquire();
    use(lease.get());
  }
}

void pair_handle(benchmark::State& state) {
  auto local = Object::pool_->local();
  for (auto _ : state) {
    Buffer* buffer = local.acquire();
    use(buffer);
    local.release(buffer);
  }
}

void pair_buffer(benchmark::State& state) {
  static auto* const buffers = new poolscope::BufferPool({.pool = {.name = "buffers", .sample_one_in = 8}});
  for (auto _ : state) {
    const poolscope::Buffer buffer = buffers->acquire();
    use(reinterpret_cast<Buffer*>(buffer.data()));
  }
}

void pair_uncounted(benchmark::State& state) {
  UncountedCache mine;
  mine.cache.capacity = 32;
  for (auto _ : state) {
    Buffer* buffer = mine.get();
    use(buffer);
    mine.put(buffer);
  }
}

// One iteration is one get and one put; 64 are out at the end of each round.
template <typename Which>
void borrowed_64(benchmark::State& state) {
  std::array<Buffer*, 64> out;
  while (state.KeepRunningBatch(out.size())) {
    for (Buffer*& buffer : out) use(buffer = Which::get());
    for (Buffer* buffer : out) Which::put(buffer);
  }
}

// Thread 0 gets 1024, thread 1 puts them back, in turns. Who waits sleeps, so that CPU time of the process is what
// counts, on a busy machine, too.
struct Exchange {
  std::array<Buffer*, 1024> buffers{};
  std::atomic<int> turn{0};
};
Exchange exchange;

template <typename Which>
void handoff(benchmark::State& state) {
  const int me = state.thread_index();
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(exchange.buffers.size()))) {
    exchange.turn.wait(1 - me);
    for (Buffer*& buffer : exchange.buffers) {
      if (me == 0)
        use(buffer = Which::get());
      else
        Which::put(buffer);
    }
    exchange.turn = 1 - me;
    exchange.turn.notify_one();
  }
}

#define POOL_LOADS(Which, name)                                                                             \
  BENCHMARK_TEMPLATE(pair, Which)->Name("pair/" name)->Threads(1)->Threads(2)->UseRealTime();               \
  BENCHMARK_TEMPLATE(borrowed_64, Which)->Name("borrowed_64/" name)->Threads(1)->Threads(2)->UseRealTime(); \
  BENCHMARK_TEMPLATE(handoff, Which)->Name("handoff/" name)->Threads(2)->MeasureProcessCPUTime()->UseRealTime()

BENCHMARK_TEMPLATE(pair, BareArray)->Name("pair/bare_array")->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(pair_uncounted)->Name("pair/uncounted_handle")->UseRealTime();
BENCHMARK(pair_handle)->Name("pair/handle")->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(pair_lease)->Name("pair/lease")->Threads(1)->Threads(2)->UseRealTime();
POOL_LOADS(Object, "object_pool");
BENCHMARK_TEMPLATE(pair, Unsampled)->Name("pair/unsampled")->UseRealTime();
BENCHMARK_TEMPLATE(pair, Bounded)->Name("pair/bounded")->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(pair_buffer)->Name("pair/buffer_pool")->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_TEMPLATE(pair, Resource)->Name("pair/pool_resource")->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK_TEMPLATE(pair, Synchronized)->Name("pair/synchronized_pool_resource")->Threads(1)->Threads(2)->UseRealTime();
POOL_LOADS(MutexVector, "mutex_vector");
POOL_LOADS(Malloc, "malloc");

}  // namespace

BENCHMARK_MAIN();
