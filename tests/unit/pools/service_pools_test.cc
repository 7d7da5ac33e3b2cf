// Pools as services have them, by what they promise there: JSON buffers that are sent in chunks, entries of a cache,
// a pool with a configuration and statistics, maps that are filled and thrown away.
#include <map>
#include <memory_resource>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "poolscope/buffer_pool.h"
#include "poolscope/object_pool.h"
#include "poolscope/pool_resource.h"

namespace poolscope::test {
namespace {

// ---- JSON buffers: 50 KiB, a row takes 393 bytes, a chunk is sent as soon as it is larger than 32 KiB ---------------------

constexpr std::size_t kJsonBufferBytes = 51200, kRowBytes = 393, kChunkBytes = 32768;

BufferPoolOptions json_buffers(std::size_t buffer_bytes = kJsonBufferBytes) {
  return {.pool = {.name = "jsonBufferPool", .sample_one_in = 1, .publish = false}, .buffer_bytes = {buffer_bytes}};
}

void write_rows(Buffer& buffer, int rows) {
  for (int row = 0; row < rows; ++row) buffer.append(std::string(kRowBytes, 'r'));
}

TEST(JsonBufferPool, HoldsAHundredRowsWithoutARegrowth) {
  BufferPool pool(json_buffers());
  for (int request = 0; request < 50; ++request) {
    Buffer buffer = pool.acquire();
    write_rows(buffer, 100);
  }
  EXPECT_EQ(pool.stats().regrowths, 0u);
  EXPECT_EQ(pool.stats().created, 1u);
}

TEST(JsonBufferPool, MakesItsSizeIrrelevantOnceBuffersHaveGrown) {
  BufferPool small(json_buffers(1024));
  for (int request = 0; request < 100; ++request) {
    Buffer buffer = small.acquire();
    write_rows(buffer, 100);
  }
  EXPECT_EQ(small.stats().regrowths, 6u) << "1 KiB to 64 KiB, by the first request alone";
}

TEST(JsonBufferPool, SendsChunksThatTheReceiverReleases) {
  BufferPool pool(json_buffers());
  std::mutex mutex;
  std::queue<Buffer> chunks;
  std::size_t sent_bytes = 0;
  std::thread receiver([&] {
    for (std::size_t received = 0; received < 1000 * kRowBytes;) {
      const std::lock_guard lock(mutex);
      if (chunks.empty()) continue;
      received += chunks.front().size();
      chunks.pop();  // releases it
    }
  });
  const auto send = [&](Buffer chunk) {
    const std::lock_guard lock(mutex);
    sent_bytes += chunk.size();
    chunks.push(std::move(chunk));
  };
  Buffer buffer = pool.acquire();
  for (int row = 0; row < 1000; ++row) {
    write_rows(buffer, 1);
    if (buffer.size() <= kChunkBytes) continue;
    send(std::move(buffer));
    buffer = pool.acquire();
  }
  send(std::move(buffer));
  receiver.join();
  EXPECT_EQ(sent_bytes, 393000u);
  EXPECT_EQ(pool.stats().gets, 12u);
  EXPECT_EQ(pool.stats().borrowed, 0u);
}

TEST(JsonBufferPool, ServesASustainedLoadFromThePool) {
  BufferPool pool(json_buffers());
  for (int i = 0; i < 10000; ++i) pool.acquire().append("{}");
  EXPECT_GE(pool.stats().hit_ratio(), 0.9999);
}

// ---- entries of a cache: all fields are zero when they come out ----------------------------------------------------------

struct CacheEntry {
  std::string path;
  std::vector<char> data;
  std::uint64_t expires_ns = 0, accesses = 0;
  CacheEntry* next = nullptr;
};
struct Zero {
  void operator()(CacheEntry& entry) const {
    entry.path.clear();
    entry.data.clear();
    entry.expires_ns = entry.accesses = 0;
    entry.next = nullptr;
  }
};

TEST(CacheEntryPool, EvictedEntriesComeBackEmptyAndWithTheirMemory) {
  ObjectPool<CacheEntry, Zero> pool({.publish = false});
  {
    const auto entry = pool.acquire();
    entry->path = "/a/path/that/does/not/fit/into/the/string/itself";
    entry->data.assign(4096, 'x');
    entry->next = entry.get();
    entry->accesses = 9;
  }
  const auto entry = pool.acquire();
  EXPECT_EQ(entry->path, "");
  EXPECT_TRUE(entry->data.empty());
  EXPECT_EQ(entry->next, nullptr);
  EXPECT_EQ(entry->accesses, 0u);
  EXPECT_GE(entry->data.capacity(), 4096u);
}

TEST(CacheEntryPool, OfACacheThatEvictsMakesAsManyAsTheCacheHolds) {
  ObjectPool<CacheEntry, Zero> pool({.publish = false});
  std::queue<ObjectPool<CacheEntry, Zero>::Lease> cache;
  for (int i = 0; i < 1000; ++i) {
    if (cache.size() == 100) cache.pop();
    cache.push(pool.acquire());
  }
  EXPECT_EQ(pool.stats().created, 100u);
}

// ---- a pool with a configuration: initial size, most, cleanup interval, statistics, callback ------------------------------

TEST(ConfiguredPool, FollowsItsConfigurationAndCounts) {
  std::map<PoolEvent::Kind, int> events;
  ObjectPool<std::vector<int>> pool({.name = "items",
                                     .max_idle_buffers = 20,
                                     .prewarm_buffers = 10,
                                     .cleanup_interval = std::chrono::minutes(5),
                                     .publish = false,
                                     .on_event = [&](const PoolEvent& event) { ++events[event.kind]; }});
  EXPECT_EQ(pool.stats().idle, 10u);
  {
    std::vector<ObjectPool<std::vector<int>>::Lease> leases;
    for (int i = 0; i < 30; ++i) leases.push_back(pool.acquire());
  }
  const PoolStats stats = pool.stats();
  EXPECT_EQ(stats.idle, 20u);            // current size
  EXPECT_EQ(stats.created, 30u);         // total created
  EXPECT_EQ(stats.gets, 30u);            // total retrieved
  EXPECT_EQ(stats.puts, 30u);            // total returned
  EXPECT_EQ(stats.all_discards(), 10u);  // total discarded
  EXPECT_EQ(stats.hits(), 10u);
  EXPECT_EQ(events[PoolEvent::Kind::kCreate], 20) << "the first ten were made with the pool";
  EXPECT_EQ(events[PoolEvent::Kind::kDiscard], 10);
}

// ---- maps that are filled and thrown away ---------------------------------------------------------------------------------

TEST(MapPool, NodesOfMapsAreUsedAgain) {
  PoolResource resource({.pool = {.name = "maps", .publish = false}});
  for (int i = 0; i < 100; ++i) {
    std::pmr::map<int, int> map(&resource);
    for (int key = 0; key < 16; ++key) map[key] = i;
  }
  EXPECT_EQ(resource.stats(40).created, 16u);
  EXPECT_EQ(resource.stats(40).gets, 1600u);
}

}  // namespace
}  // namespace poolscope::test
