#pragma once
// ObjectPools for the benchmark, with and without the counts that POOLSCOPE_BENCH_WITHOUT_COUNTS leaves out.

#include "poolscope/object_pool.h"
#include "tests/bench/pools/patterns.h"

namespace poolscope::bench {

struct Nothing {
  void operator()(Object&) const {}
};
using Objects = ObjectPool<Object, Nothing>;

// What differs between the pools of this file, as types: patterns make pools without arguments.
struct Default {
  static PoolOptions options() { return {.name = "default"}; }
};
struct Unsampled {
  static PoolOptions options() { return {.name = "unsampled", .sample_one_in = 0}; }
};
struct OneIn8 {
  static PoolOptions options() { return {.name = "one_in_8", .sample_one_in = 8}; }
};
struct Bounded {
  static PoolOptions options() { return {.name = "bounded", .max_borrowed_buffers = 1'000'000}; }
};

template <typename Detail>
Objects& objects() {
  static auto* const pool = new Objects(Detail::options());
  return *pool;
}

template <typename Detail>
struct Raw {
  Objects& pool = objects<Detail>();
  Object* get() { return pool.acquire_raw(); }
  void put(Object* object) { pool.release(object); }
};

template <typename Detail>
struct Handle {
  Objects::Local local = objects<Detail>().local();
  Object* get() { return local.acquire(); }
  void put(Object* object) { local.release(object); }
};

template <typename Detail>
void lease_pair(benchmark::State& state) {
  Objects& pool = objects<Detail>();
  for (auto _ : state) {
    const auto lease = pool.acquire();
    use(lease.get());
  }
}

}  // namespace poolscope::bench
