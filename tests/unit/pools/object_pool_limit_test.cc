// Pools that bound how many objects are out.
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "poolscope/object_pool.h"

namespace poolscope::test {
namespace {

using Ints = ObjectPool<int>;

PoolOptions bounded(std::uint64_t max_borrowed, AtLimit at_limit) {
  return {.max_borrowed_buffers = max_borrowed, .at_limit = at_limit, .publish = false};
}

std::vector<Ints::Lease> acquire(Ints& pool, int count) {
  std::vector<Ints::Lease> leases;
  for (int i = 0; i < count; ++i) leases.push_back(pool.acquire());
  return leases;
}

TEST(BoundedPool, GivesAnEmptyLeaseWhenAllAreOut) {
  Ints pool(bounded(2, AtLimit::kFail));
  auto leases = acquire(pool, 3);
  EXPECT_TRUE(leases[1]);
  EXPECT_FALSE(leases[2]);
  EXPECT_EQ(pool.stats().misses[PS_MISS_EXHAUSTED], 1u);
  EXPECT_EQ(pool.stats().gets_failed, 1u);
  EXPECT_EQ(pool.stats().borrowed, 2u);
  leases.clear();
  EXPECT_TRUE(pool.acquire());
}

TEST(BoundedPool, OfNoneGivesNone) {
  Ints pool(bounded(0, AtLimit::kFail));
  EXPECT_FALSE(pool.acquire());
}

TEST(BoundedPool, OverflowsToTheHeapAndDestroysTheSurplus) {
  Ints pool(bounded(2, AtLimit::kHeap));
  auto leases = acquire(pool, 5);
  EXPECT_EQ(pool.stats().misses[PS_MISS_EXHAUSTED], 3u);
  EXPECT_EQ(pool.stats().misses[PS_MISS_EMPTY], 2u);
  leases.clear();
  EXPECT_EQ(pool.stats().discards[PS_DISCARD_FULL], 3u);
  EXPECT_EQ(pool.stats().idle, 2u);
}

TEST(BoundedPool, BlocksUntilOneComesBack) {
  Ints pool(bounded(1, AtLimit::kBlock));
  auto lease = pool.acquire();
  std::atomic<bool> has_one{false};
  std::thread waiter([&] {
    const auto mine = pool.acquire();
    has_one = static_cast<bool>(mine);
  });
  while (pool.stats().misses[PS_MISS_EXHAUSTED] == 0) std::this_thread::yield();
  EXPECT_FALSE(has_one);
  lease.release();
  waiter.join();
  EXPECT_TRUE(has_one);
}

TEST(BoundedPool, WaitsNoLongerThanItWasTold) {
  PoolOptions options = bounded(1, AtLimit::kBlock);
  options.wait_at_most = std::chrono::milliseconds(1);
  Ints pool(options);
  const auto lease = pool.acquire();
  EXPECT_FALSE(pool.acquire());
}

TEST(BoundedPool, ManyWaitersAllGetTheirTurn) {
  Ints pool(bounded(2, AtLimit::kBlock));
  std::atomic<int> out{0}, most{0}, served{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        const auto lease = pool.acquire();
        const int now = ++out;
        int seen = most;
        while (seen < now && !most.compare_exchange_weak(seen, now)) continue;
        served += static_cast<bool>(lease);
        --out;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(served, 3000);
  EXPECT_LE(most, 2);
}

TEST(BoundedPool, RaisingTheLimitWakesWhoWaits) {
  Ints pool(bounded(1, AtLimit::kBlock));
  const auto lease = pool.acquire();
  std::thread waiter([&] { EXPECT_TRUE(pool.acquire()); });
  while (pool.stats().misses[PS_MISS_EXHAUSTED] == 0) std::this_thread::yield();
  EXPECT_TRUE(pool.set_max_borrowed_buffers(2));
  waiter.join();
}

TEST(BoundedPool, LoweringTheLimitDestroysWhatIsTooManyAsItComesBack) {
  Ints pool(bounded(10, AtLimit::kFail));
  auto leases = acquire(pool, 10);
  EXPECT_TRUE(pool.set_max_borrowed_buffers(4));
  EXPECT_FALSE(pool.acquire());
  leases.clear();
  EXPECT_EQ(pool.stats().idle, 4u);
  EXPECT_EQ(acquire(pool, 5).size(), 5u);
  EXPECT_EQ(pool.stats().resizes_down, 1u);
}

TEST(BoundedPool, IsNotMadeOfAnUnboundedOne) {
  Ints pool({.publish = false});
  EXPECT_FALSE(pool.set_max_borrowed_buffers(4));
}

TEST(BoundedPool, TellsThatItIsExhausted) {
  int exhausted = 0;
  PoolOptions options = bounded(1, AtLimit::kFail);
  options.on_event = [&](const PoolEvent& event) { exhausted += event.kind == PoolEvent::Kind::kExhausted; };
  Ints pool(options);
  (void)acquire(pool, 3);
  EXPECT_EQ(exhausted, 2);
}

}  // namespace
}  // namespace poolscope::test
