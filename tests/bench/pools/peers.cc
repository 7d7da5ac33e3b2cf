// Everything that pools of libpoolscope are measured against in the same process, and malloc, in front of which tests/bench/pools.py
// puts other allocators.
#include <cstdlib>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <vector>

#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/stack.hpp>
#include <boost/pool/pool.hpp>
#include <concurrentqueue/concurrentqueue.h>
#include <tbb/scalable_allocator.h>
#define TBB_PREVIEW_MEMORY_POOL 1
#include <tbb/memory_pool.h>

#include "tests/bench/pools/patterns.h"

namespace poolscope::bench {
namespace {

// The floor: the least that a pool can do. No bounds that threads share, no counts, no limits.
struct BareArray {
  struct Cache {
    std::array<Object*, 64> objects;
    std::size_t top;
  };
  static constinit thread_local Cache cache;

  Object* get() { return cache.top > 0 ? cache.objects[--cache.top] : new Object; }
  void put(Object* object) {
    if (cache.top < cache.objects.size())
      cache.objects[cache.top++] = object;
    else
      delete object;
  }
};
constinit thread_local BareArray::Cache BareArray::cache{};

struct Malloc {
  using Held = void*;
  Object* get() { return static_cast<Object*>(std::malloc(kObjectBytes)); }
  Held get(std::size_t bytes) { return std::malloc(bytes); }
  void put(void* object) { std::free(object); }
  static void* memory(Held held) { return held; }
};

struct TbbScalable {
  using Held = void*;
  Object* get() { return static_cast<Object*>(scalable_malloc(kObjectBytes)); }
  Held get(std::size_t bytes) { return scalable_malloc(bytes); }
  void put(void* object) { scalable_free(object); }
  static void* memory(Held held) { return held; }
};

struct TbbFixedPool {
  static constexpr std::size_t kBytes = std::size_t{64} << 20;
  static inline const std::unique_ptr<char[]> bytes{new char[kBytes]};
  static inline tbb::fixed_pool pool{bytes.get(), kBytes};
  Object* get() { return static_cast<Object*>(pool.malloc(kObjectBytes)); }
  void put(Object* object) { pool.free(object); }
};

struct SynchronizedResource {
  struct Held {
    void* block = nullptr;
    std::size_t bytes = 0;
  };
  static inline std::pmr::memory_resource* const resource = new std::pmr::synchronized_pool_resource(
      std::pmr::pool_options{.max_blocks_per_chunk = 1024, .largest_required_pool_block = 131072});
  Object* get() { return static_cast<Object*>(resource->allocate(kObjectBytes)); }
  void put(Object* object) { resource->deallocate(object, kObjectBytes); }
  Held get(std::size_t bytes) { return {resource->allocate(bytes), bytes}; }
  void put(const Held& held) { resource->deallocate(held.block, held.bytes); }
  static void* memory(const Held& held) { return held.block; }
};

struct BoostPool {
  static inline std::mutex mutex;
  static inline boost::pool<> pool{kObjectBytes};
  Object* get() {
    const std::lock_guard lock(mutex);
    return static_cast<Object*>(pool.malloc());
  }
  void put(Object* object) {
    const std::lock_guard lock(mutex);
    pool.free(object);
  }
};

struct MutexVector {
  static inline std::mutex mutex;
  static inline std::vector<Object*> idle;
  Object* get() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return new Object;
    Object* object = idle.back();
    idle.pop_back();
    return object;
  }
  void put(Object* object) {
    const std::lock_guard lock(mutex);
    idle.push_back(object);
  }
};

template <template <typename, typename...> typename Container>
struct BoostLockFree {
  static inline Container<Object*> idle{4096};
  Object* get() {
    Object* object = nullptr;
    return idle.pop(object) ? object : new Object;
  }
  void put(Object* object) {
    if (!idle.push(object)) delete object;
  }
};

struct Moodycamel {
  static inline moodycamel::ConcurrentQueue<Object*> idle{8192};
  moodycamel::ProducerToken producer{idle};
  moodycamel::ConsumerToken consumer{idle};
  Object* get() {
    Object* object = nullptr;
    return idle.try_dequeue(consumer, object) ? object : new Object;
  }
  void put(Object* object) {
    if (!idle.enqueue(producer, object)) delete object;
  }
};

}  // namespace

void add_peers() {
  add_patterns<BareArray>("floor");
  add_peer<Malloc>("malloc");
  add_peer<TbbScalable>("tbb_scalable");
  add_peer<TbbFixedPool>("tbb_fixed_pool");
  add_peer<SynchronizedResource>("pmr_synchronized");
  add_peer<BoostPool>("boost_pool+lock");
  add_peer<BoostLockFree<boost::lockfree::stack>>("boost_lockfree_stack");
  add_peer<BoostLockFree<boost::lockfree::queue>>("boost_lockfree_queue");
  add_peer<Moodycamel>("moodycamel_queue");
  add_peer<MutexVector>("mutex_vector");
  add_random_sizes<Malloc>("malloc");
  add_random_sizes<TbbScalable>("tbb_scalable");
  add_random_sizes<SynchronizedResource>("pmr_synchronized");
}

}  // namespace poolscope::bench
