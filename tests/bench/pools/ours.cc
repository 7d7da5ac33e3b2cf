// The pools of libpoolscope at every detail of their statistics.
#include "poolscope/buffer_pool.h"
#include "poolscope/pool_resource.h"
#include "tests/bench/pools/object_pools.h"

namespace poolscope::bench {
namespace {

// ---- buffers and blocks ------------------------------------------------------------------------------------------------

template <typename Detail>
void buffer_pair(benchmark::State& state) {
  static auto* const buffers = new BufferPool({.pool = Detail::options()});
  for (auto _ : state) {
    const Buffer buffer = buffers->acquire();
    use(buffer.data());
  }
}

template <typename Detail>
std::pmr::memory_resource& resource() {
  static auto* const resource = new PoolResource({.pool = Detail::options(), .max_block_bytes = 131072});
  return *resource;
}

template <typename Detail>
struct Blocks {
  struct Held {
    void* block = nullptr;
    std::size_t bytes = 0;
  };
  std::pmr::memory_resource& from = resource<Detail>();
  Object* get() { return static_cast<Object*>(from.allocate(kObjectBytes)); }
  void put(Object* object) { from.deallocate(object, kObjectBytes); }
  Held get(std::size_t bytes) { return {from.allocate(bytes), bytes}; }
  void put(const Held& held) { from.deallocate(held.block, held.bytes); }
  static void* memory(const Held& held) { return held.block; }
};

struct Buffers {
  using Held = Buffer;
  static BufferPool& pool() {
    static auto* const pool = new BufferPool(
        {.pool = {.name = "sizes"}, .buffer_bytes = {128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536}});
    return *pool;
  }
  BufferPool& buffers = pool();
  Buffer get(std::size_t bytes) { return buffers.acquire(bytes); }
  void put(Buffer& buffer) { buffer.release(); }
  static void* memory(const Buffer& buffer) { return buffer.data(); }
};

}  // namespace

void add_ours() {
  add_pair("lease", lease_pair<Default>);
  add_pair("lease/unsampled", lease_pair<Unsampled>);
  add_pair("lease/one_in_8", lease_pair<OneIn8>);
  add_pair("lease/bounded", lease_pair<Bounded>);
  add_patterns<Raw<Default>>("object_pool");
  add_patterns<Handle<Default>>("handle");
  add_pair("handle/unsampled", one_pair<Handle<Unsampled>>);
  add_pair("buffer_pool", buffer_pair<Default>);
  add_pair("buffer_pool/unsampled", buffer_pair<Unsampled>);
  add_patterns<Blocks<Default>>("pool_resource");
  add_pair("pool_resource/unsampled", one_pair<Blocks<Unsampled>>);
  add_random_sizes<Blocks<Default>>("pool_resource");
  add_random_sizes<Buffers>("buffer_pool");
}

}  // namespace poolscope::bench
