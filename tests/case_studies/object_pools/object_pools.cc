// The case study object_pools: five kinds of objects, each made anew (baseline) and from a pool (pooled).
//
//   --serve [heap|pool|lossy]   a service that answers requests with all of them; lossy: every 4th item is not given back
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include <poolscope/buffer_pool.h>
#include <poolscope/object_pool.h>
#include <poolscope/pool_resource.h>

#include "tests/case_studies/case_study.h"
#include "tests/case_studies/object_pools/objects.h"

namespace poolscope::case_study {
namespace {

constexpr std::size_t kBufferBytes = 4096;
constexpr std::size_t kReplyBytes = 600;
constexpr std::size_t kMapsAtOnce = 64;
constexpr std::uint64_t kLoseEvery = 4;

// All pools of the server. A map keeps its buckets between two uses, its nodes come from `nodes`, and so do strings and slices.
struct Pools {
  ObjectPool<CacheItem> items{{.name = "server.items", .max_idle_buffers = 1000}};
  ObjectPool<AsyncResult> results{{.name = "server.results", .max_idle_buffers = 1000}};
  BufferPool buffers{{.pool = {.name = "server.buffers", .max_idle_buffers = 1000}, .buffer_bytes = {kBufferBytes}}};
  PoolResource nodes{{.pool = {.name = "server.nodes"}}};
  ObjectPool<Attributes> maps{{.name = "server.maps", .max_idle_buffers = 1000}, [this] {
                                auto map = std::make_unique<Attributes>(&nodes);
                                map->reserve(kRoomForAttributes);
                                return map;
                              }};
};

template <typename Operation>
Work times(Operation operation) {
  return [operation](std::uint64_t operations) {
    for (std::uint64_t i = 0; i < operations; ++i) operation();
  };
}

// `operation(pools)`, with the same pools from call to call; none before, so that a service has its own alone.
template <typename Operation>
Work pooled(Operation operation) {
  return [operation, pools = std::shared_ptr<Pools>()](std::uint64_t operations) mutable {
    if (!pools) pools = std::make_shared<Pools>();
    for (std::uint64_t i = 0; i < operations; ++i) operation(*pools);
  };
}

// ---- one of each kind --------------------------------------------------------------------------------------------------------

void make_item() {
  CacheItem item;  // on the stack: nothing holds it longer
  fill(item);
  keep(item);
}

void borrow_item(Pools& pools) {
  const auto item = pools.items.acquire();
  fill(*item);
  keep(*item);
}

void make_result() {
  const auto result = std::make_unique<AsyncResult>();
  result->set("found");
  keep(*result);
}

void borrow_result(Pools& pools) {
  const auto result = pools.results.acquire();
  result->set("found");
  keep(*result);
}

// Nobody looks at it, so nothing is left of it: what a benchmark of "allocating" may really measure.
void make_local_buffer() {
  std::array<std::byte, kBufferBytes> buffer;
  static_cast<void>(buffer);
}

void borrow_buffer(Pools& pools) {
  const auto buffer = pools.buffers.acquire();
  keep(buffer.size());
}

void make_used_buffer() {
  const auto buffer = std::make_unique<std::byte[]>(kBufferBytes);
  std::memset(buffer.get(), 'x', kReplyBytes);
  keep(*buffer.get());
}

void borrow_used_buffer(Pools& pools) {
  auto buffer = pools.buffers.acquire();
  buffer.resize(kReplyBytes);
  std::memset(buffer.data(), 'x', kReplyBytes);
  keep(*buffer.data());
}

void make_slice() {
  KeyList keys;
  fill(keys);
  keep(keys);
}

void borrow_slice(Pools& pools) {
  KeyList keys(&pools.nodes);
  fill(keys);
  keep(keys);
}

std::unique_ptr<Attributes> make_map() {
  auto map = std::make_unique<Attributes>();
  map->reserve(kRoomForAttributes);
  fill(*map);
  return map;
}

auto borrow_map(Pools& pools) {
  auto map = pools.maps.acquire();
  fill(*map);
  return map;
}

void make_one_map() {
  keep(*make_map());
}

void borrow_one_map(Pools& pools) {
  keep(*borrow_map(pools));
}

// ---- many at once ------------------------------------------------------------------------------------------------------------

// One operation is one map, of which so many are out at the same time.
void make_many_maps(std::uint64_t operations) {
  std::array<std::unique_ptr<Attributes>, kMapsAtOnce> out;
  for (std::uint64_t i = 0; i < operations; ++i) out[i % out.size()] = make_map();
}

Work borrow_many_maps() {
  return [pools = std::shared_ptr<Pools>()](std::uint64_t operations) mutable {
    if (!pools) pools = std::make_shared<Pools>();
    std::array<ObjectPool<Attributes>::Lease, kMapsAtOnce> out;
    for (std::uint64_t i = 0; i < operations; ++i) out[i % out.size()] = borrow_map(*pools);
  };
}

std::vector<Row> rows() {
  return {{.name = "map", .baseline = times(make_one_map), .pooled = pooled(borrow_one_map)},
          {.name = "item", .baseline = times(make_item), .pooled = pooled(borrow_item)},
          {.name = "buffer", .baseline = times(make_local_buffer), .pooled = pooled(borrow_buffer)},
          {.name = "used_buffer", .baseline = times(make_used_buffer), .pooled = pooled(borrow_used_buffer)},
          {.name = "result", .baseline = times(make_result), .pooled = pooled(borrow_result)},
          {.name = "slice", .baseline = times(make_slice), .pooled = pooled(borrow_slice)},
          {.name = "maps_64_at_once", .baseline = make_many_maps, .pooled = borrow_many_maps()}};
}

// ---- statistics ----------------------------------------------------------------------------------------------------------------

PoolStats stats_of_items(std::uint64_t lose_every) {
  Pools pools;
  for (std::uint64_t i = 1; i <= 10'000; ++i) {
    CacheItem* const item = pools.items.acquire_raw();
    fill(*item);
    if (lose_every == 0 || i % lose_every != 0) pools.items.release(item);
  }
  return pools.items.stats();
}

double reused(const PoolStats& stats) {
  return stats.hit_ratio();
}

double never_given_back() {
  const PoolStats stats = stats_of_items(kLoseEvery);
  return static_cast<double>(stats.borrowed) / static_cast<double>(stats.gets);
}

// ---- the service -----------------------------------------------------------------------------------------------------------------

void answer_from_heap() {
  make_one_map();
  make_result();
  make_used_buffer();
  make_slice();
  make_item();
}

void answer_from_pools(Pools& pools, bool loses_item) {
  borrow_one_map(pools);
  borrow_result(pools);
  borrow_used_buffer(pools);
  borrow_slice(pools);
  auto item = pools.items.acquire();
  fill(*item);
  if (loses_item) static_cast<void>(item.detach());
}

enum class Serving { kHeap, kPool, kLossy };

Serving serving_of(const std::vector<std::string_view>& words) {
  if (words.empty() || words[0] == "pool") return Serving::kPool;
  if (words[0] == "heap") return Serving::kHeap;
  if (words[0] == "lossy") return Serving::kLossy;
  throw std::invalid_argument("--serve takes `heap`, `pool` or `lossy`");
}

void serve(const std::vector<std::string_view>& words) {
  static const Serving serving = serving_of(words);
  static const auto pools = serving == Serving::kHeap ? nullptr : std::make_unique<Pools>();
  static std::uint64_t requests = 0;
  for (int i = 0; i < 1000; ++i) {
    ++requests;
    if (serving == Serving::kHeap)
      answer_from_heap();
    else
      answer_from_pools(*pools, serving == Serving::kLossy && requests % kLoseEvery == 0);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace
}  // namespace poolscope::case_study

int main(int argc, char** argv) {
  using namespace poolscope::case_study;
  return run(argc, argv,
             {.rows = rows(),
              .figures = {{.name = "reuse", .pooled = [] { return reused(stats_of_items(0)); }},
                          {.name = "reuse_when_lost", .pooled = [] { return reused(stats_of_items(kLoseEvery)); }},
                          {.name = "never_given_back", .pooled = never_given_back}},
              .serve = serve});
}
