// ObjectPool against a model that only counts: any order of gets, puts, limits and trims, by one thread and by threads that come and go.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "poolscope/object_pool.h"
#include "tests/fuzz/fuzz_check.h"

namespace {

using namespace poolscope;

struct Thing {
  Thing() { ++alive; }
  ~Thing() { --alive; }
  bool is_out = false;
  static inline int alive = 0;  // one thread at a time
};
using Things = ObjectPool<Thing>;

struct State {
  explicit State(PoolOptions options) : max_borrowed(options.max_borrowed_buffers), pool(std::move(options)) {}
  std::uint64_t max_borrowed;
  std::uint64_t gets = 0, failed = 0, puts = 0;
  std::vector<Thing*> out;
  Things pool;

  void get() {
    Thing* thing = pool.acquire_raw();
    ++gets;
    if (thing == nullptr) {
      ++failed;
      FUZZ_CHECK(out.size() >= max_borrowed);
      return;
    }
    FUZZ_CHECK(!thing->is_out);
    thing->is_out = true;
    out.push_back(thing);
  }
  void put(std::size_t pick) {
    if (out.empty()) return;
    Thing* thing = out[pick % out.size()];
    out[pick % out.size()] = out.back();
    out.pop_back();
    thing->is_out = false;
    pool.release(thing);
    ++puts;
  }
  void check() const {
    const PoolStats stats = pool.stats();
    FUZZ_CHECK(stats.gets == gets && stats.gets_failed == failed && stats.puts == puts);
    FUZZ_CHECK(stats.borrowed == out.size());
    FUZZ_CHECK(stats.created - stats.destroyed == static_cast<std::uint64_t>(Thing::alive));
    FUZZ_CHECK(stats.idle + stats.borrowed == static_cast<std::uint64_t>(Thing::alive));
    FUZZ_CHECK(stats.idle <= pool.max_idle_buffers());
    FUZZ_CHECK(stats.destroyed == stats.all_discards());
  }
};

void step(State& state, std::uint8_t what, std::uint8_t how) {
  switch (what % 9) {
    case 0:
    case 1:
      for (int i = 0; i <= how % 40; ++i) state.get();
      return;
    case 2:
    case 3:
      for (int i = 0; i <= how % 40; ++i) state.put(how);
      return;
    case 4:
      return state.pool.trim();
    case 5:
      return state.pool.set_max_idle_buffers(how);
    case 6:
      return state.pool.flush_this_thread();
    case 7:
      return state.pool.prewarm(how % 20);
    default:
      std::thread([&] {
        for (int i = 0; i <= how % 20; ++i) state.get();
        for (int i = 0; i <= how % 30; ++i) state.put(how);
      }).join();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4 || size > 200) return 0;
  PoolOptions options{.max_idle_buffers = data[0] == 255 ? kNoLimit : data[0],
                      .max_borrowed_buffers = data[1] < 128 ? kNoLimit : data[1] - 128U,
                      .thread_cache_buffers = data[2] % 65U,
                      .publish = false,
                      .debug_checks = data[3] % 4 == 0 ? DebugChecks::kOn : DebugChecks::kOff};
  {
    State state(std::move(options));
    for (std::size_t i = 4; i + 1 < size; i += 2) {
      step(state, data[i], data[i + 1]);
      state.check();
    }
    while (!state.out.empty()) state.put(0);
    state.check();
  }
  FUZZ_CHECK(Thing::alive == 0);
  return 0;
}
