// ObjectPool, behaviour by behaviour.
#include "poolscope/object_pool.h"

#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pools/core/registry.h"

namespace poolscope::test {
namespace {

// Knows how many of its kind exist.
struct Thing {
  Thing() { ++alive; }
  ~Thing() { --alive; }
  Thing(const Thing&) = delete;
  Thing& operator=(const Thing&) = delete;
  void reset() { text.clear(); }
  std::string text;
  static inline std::atomic<int> alive{0};
};
using Things = ObjectPool<Thing>;

PoolOptions unseen(PoolOptions options = {}) {
  options.publish = false;
  return options;
}

std::vector<Things::Lease> acquire(Things& pool, int count) {
  std::vector<Things::Lease> leases;
  for (int i = 0; i < count; ++i) leases.push_back(pool.acquire());
  return leases;
}

TEST(ObjectPool, MakesAnObjectWhenNothingIsIdle) {
  Things pool(unseen());
  const auto lease = pool.acquire();
  ASSERT_TRUE(lease);
  EXPECT_EQ(pool.stats().misses[PS_MISS_EMPTY], 1u);
  EXPECT_EQ(pool.stats().created, 1u);
  EXPECT_EQ(pool.stats().borrowed, 1u);
}

TEST(ObjectPool, HandsOutTheObjectThatWasReleasedLast) {
  Things pool(unseen());
  auto first = pool.acquire();
  auto second = pool.acquire();
  const Thing* const address = second.get();
  first.release();
  second.release();
  EXPECT_EQ(pool.acquire().get(), address);
  EXPECT_EQ(pool.stats().hits(), 1u);
}

TEST(ObjectPool, ResetsAtRelease) {
  Things pool(unseen());
  Thing* thing = pool.acquire_raw();
  thing->text = "secret";
  pool.release(thing);
  EXPECT_EQ(pool.acquire()->text, "");
}

struct ToSeven {
  void operator()(int& value) const { value = 7; }
};
TEST(ObjectPool, TakesAnotherReset) {
  ObjectPool<int, ToSeven> pool(unseen());
  *pool.acquire() = 3;
  EXPECT_EQ(*pool.acquire(), 7);
}

TEST(ObjectPool, ClearsWhatHasNoReset) {
  ObjectPool<std::vector<int>> pool(unseen());
  pool.acquire()->assign(100, 1);
  const auto lease = pool.acquire();
  EXPECT_TRUE(lease->empty());
  EXPECT_GE(lease->capacity(), 100u);
}

TEST(ObjectPool, KeepsNoMoreIdleThanTheLimit) {
  Things pool(unseen({.max_idle_buffers = 16}));
  acquire(pool, 20).clear();
  EXPECT_EQ(pool.stats().idle, 16u);
  EXPECT_EQ(pool.stats().discards[PS_DISCARD_FULL], 4u);
  EXPECT_EQ(Thing::alive, 16);
}

struct IdleCase {
  const char* name;
  std::uint64_t max_idle;
  std::uint32_t cache;
};
class MaxIdle : public testing::TestWithParam<IdleCase> {};
TEST_P(MaxIdle, IsReachedAndNotExceeded) {
  const auto [name, max_idle, cache] = GetParam();
  Things pool(unseen({.max_idle_buffers = max_idle, .thread_cache_buffers = cache}));
  acquire(pool, 300).clear();
  EXPECT_EQ(pool.stats().idle, std::min<std::uint64_t>(max_idle, 300));
  const auto again = acquire(pool, 300);
  EXPECT_EQ(pool.stats().hits(), std::min<std::uint64_t>(max_idle, 300));
}
INSTANTIATE_TEST_SUITE_P(Table, MaxIdle,
                         testing::Values(IdleCase{"None", 0, 32}, IdleCase{"One", 1, 32}, IdleCase{"Two", 2, 32},
                                         IdleCase{"Odd", 37, 32}, IdleCase{"NoCache", 37, 0},
                                         IdleCase{"LargeCache", 100, 1000}, IdleCase{"NoLimit", kNoLimit, 32}),
                         [](const auto& c) { return c.param.name; });

TEST(ObjectPool, OfSeveralThreadsKeepsNoMoreIdleThanTheLimit) {
  Things pool(unseen({.max_idle_buffers = 16}));
  std::atomic<int> ready{0};
  std::atomic<bool> may_end{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      acquire(pool, 20).clear();
      ++ready;
      may_end.wait(false);
    });
  }
  while (ready < 6) std::this_thread::yield();
  EXPECT_LE(pool.stats().idle, 16u);
  EXPECT_GT(pool.stats().idle, 0u);
  may_end = true;
  may_end.notify_all();
  for (auto& thread : threads) thread.join();
  EXPECT_LE(pool.stats().idle, 16u);
}

TEST(ObjectPool, GetsWhatAThreadThatEndedHadIdle) {
  Things pool(unseen());
  std::thread([&] { acquire(pool, 10).clear(); }).join();
  const auto leases = acquire(pool, 10);
  EXPECT_EQ(pool.stats().hits(), 10u);
  EXPECT_EQ(pool.stats().created, 10u);
}

TEST(ObjectPool, KeepsTheCountsOfThreadsThatEnded) {
  Things pool(unseen());
  for (int i = 0; i < 5; ++i) std::thread([&] { acquire(pool, 4).clear(); }).join();
  EXPECT_EQ(pool.stats().gets, 20u);
  EXPECT_EQ(pool.stats().puts, 20u);
  EXPECT_EQ(pool.stats().borrowed, 0u);
}

TEST(ObjectPool, TakesBackWhatAnotherThreadAcquired) {
  Things pool(unseen());
  auto leases = acquire(pool, 100);
  std::thread([&] { leases.clear(); }).join();
  EXPECT_EQ(pool.stats().borrowed, 0u);
  EXPECT_EQ(pool.stats().idle, 100u);
  leases = acquire(pool, 100);
  EXPECT_EQ(pool.stats().created, 100u);
}

TEST(ObjectPool, FlushingMakesIdleObjectsReachable) {
  Things pool(unseen());
  acquire(pool, 20).clear();
  pool.flush_this_thread();
  std::thread([&] {
    const auto leases = acquire(pool, 20);
    EXPECT_EQ(pool.stats().created, 20u);
  }).join();
}

TEST(ObjectPool, HandsNoObjectToTwoThreads) {
  Things pool(unseen({.thread_cache_buffers = 4}));
  std::vector<std::thread> threads;
  std::atomic<int> shared_twice{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string mine = std::to_string(t);
      for (int round = 0; round < 2000; ++round) {
        auto leases = acquire(pool, 1 + round % 13);
        for (auto& lease : leases) lease->text += mine;
        for (auto& lease : leases) shared_twice += lease->text != mine;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(shared_twice, 0);
  EXPECT_EQ(pool.stats().borrowed, 0u);
  EXPECT_EQ(pool.stats().idle, static_cast<std::uint64_t>(Thing::alive.load()));
}

TEST(ObjectPool, AnObjectThatCannotBeMadeIsNotBorrowed) {
  bool fails = true;
  ObjectPool<int> pool(unseen({.max_borrowed_buffers = 1}), [&] {
    if (fails) throw std::runtime_error("no");
    return std::make_unique<int>(5);
  });
  EXPECT_THROW((void)pool.acquire(), std::runtime_error);
  EXPECT_EQ(pool.stats().gets_failed, 1u);
  EXPECT_EQ(pool.stats().borrowed, 0u);
  fails = false;
  EXPECT_EQ(*pool.acquire(), 5) << "the failed one does not count as out";
}

struct ThrowingReset {
  void operator()(int& value) const {
    if (value == 13) throw std::runtime_error("no");
  }
};
TEST(ObjectPool, AnObjectWhoseResetThrowsIsDestroyed) {
  ObjectPool<int, ThrowingReset> pool(unseen());
  *pool.acquire() = 13;
  EXPECT_EQ(pool.stats().discards[PS_DISCARD_INVALID], 1u);
  EXPECT_EQ(pool.stats().idle, 0u);
  EXPECT_EQ(pool.stats().borrowed, 0u);
}

TEST(ObjectPool, AnObjectFoundInvalidIsReplaced) {
  ObjectPool<int, ToSeven> pool(unseen(), nullptr, [](int& value) { return value != 7; });
  EXPECT_EQ(*pool.acquire(), 0);  // a new one is not asked
  EXPECT_EQ(*pool.acquire(), 0);
  EXPECT_EQ(pool.stats().discards[PS_DISCARD_INVALID], 1u);
  EXPECT_EQ(pool.stats().misses[PS_MISS_EMPTY], 2u);
}

struct alignas(256) Wide {
  char bytes[256];
};
TEST(ObjectPool, KeepsTheAlignmentOfItsObjects) {
  ObjectPool<Wide> pool(unseen());
  std::vector<ObjectPool<Wide>::Lease> leases;
  for (int i = 0; i < 10; ++i) leases.push_back(pool.acquire());
  for (const auto& lease : leases) EXPECT_EQ(reinterpret_cast<std::uintptr_t>(lease.get()) % 256, 0u);
}

TEST(ObjectPool, PrewarmedObjectsAreHits) {
  Things pool(unseen({.prewarm_buffers = 40}));
  EXPECT_EQ(Thing::alive, 40);
  const auto leases = acquire(pool, 41);
  EXPECT_EQ(pool.stats().hits(), 40u);
}

TEST(ObjectPool, AFailureWhilePrewarmingLosesNothing) {
  int made = 0;
  const auto factory = [&] {
    if (++made > 20) throw std::runtime_error("no");
    return std::make_unique<Thing>();
  };
  Things pool(unseen(), factory);
  EXPECT_THROW(pool.prewarm(50), std::runtime_error);
  EXPECT_EQ(pool.stats().idle, 20u);
}

TEST(ObjectPool, PrewarmsNoMoreThanItKeeps) {
  Things pool(unseen({.max_idle_buffers = 10, .prewarm_buffers = 1000}));
  EXPECT_EQ(pool.stats().idle, 10u);
  EXPECT_EQ(pool.stats().created, 10u);
}

TEST(ObjectPool, DestroysItsIdleObjectsWithItself) {
  {
    Things pool(unseen());
    acquire(pool, 100).clear();
    std::thread([&] { acquire(pool, 10).clear(); }).join();
  }
  EXPECT_EQ(Thing::alive, 0);
}

TEST(ObjectPool, ALeaseMayOutliveThePool) {
  Things::Lease lease;
  {
    Things pool(unseen());
    lease = pool.acquire();
    acquire(pool, 3).clear();
  }
  EXPECT_EQ(Thing::alive, 1);
  lease->text = "still mine";
  lease.release();
  EXPECT_EQ(Thing::alive, 0);
}

TEST(ObjectPool, AThreadMayOutliveThePool) {
  std::atomic<bool> may_end{false};
  auto pool = std::make_unique<Things>(unseen());
  std::atomic<bool> is_done{false};
  std::thread thread([&] {
    acquire(*pool, 10).clear();
    is_done = true;
    is_done.notify_all();
    may_end.wait(false);
  });
  is_done.wait(false);
  pool.reset();
  EXPECT_EQ(Thing::alive, 0);
  Things next(unseen());  // may lie where the first one was
  acquire(next, 5).clear();
  may_end = true;
  may_end.notify_all();
  thread.join();
  EXPECT_EQ(next.stats().idle, 5u);
}

TEST(ObjectPool, HundredsOfPoolsWorkBesideEachOther) {
  std::vector<std::unique_ptr<Things>> pools;
  for (int i = 0; i < 200; ++i) pools.push_back(std::make_unique<Things>(unseen()));
  for (int round = 0; round < 3; ++round) {
    for (auto& pool : pools) (void)pool->acquire();
  }
  for (auto& pool : pools) {
    EXPECT_EQ(pool->stats().created, 1u);
    EXPECT_EQ(pool->stats().hits(), 2u);
  }
}

TEST(ObjectPool, ThousandsOfPoolsAfterEachOtherLeaveNothingBehind) {
  for (int i = 0; i < 3000; ++i) {
    Things pool(unseen());
    acquire(pool, 2).clear();
    ASSERT_LE(detail::thread_caches()->size(), 100u);
  }
  EXPECT_EQ(Thing::alive, 0);
}

TEST(ObjectPool, ALeaseCanBeMoved) {
  Things pool(unseen());
  auto first = pool.acquire();
  Things::Lease second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what is left of it is promised
  EXPECT_TRUE(second);
  auto third = pool.acquire();
  second = std::move(third);
  EXPECT_EQ(pool.stats().borrowed, 1u);
}

TEST(ObjectPool, AHandleSharesTheThreadsCache) {
  Things pool(unseen());
  auto local = pool.local();
  Thing* thing = local.acquire();
  thing->text = "x";
  local.release(thing);
  {
    const auto lease = pool.acquire();
    EXPECT_EQ(lease.get(), thing);
    EXPECT_EQ(lease->text, "");
  }
  EXPECT_EQ(local.acquire(), thing);
  local.release(thing);
  EXPECT_EQ(pool.stats().gets, 3u);
  EXPECT_EQ(pool.stats().puts, 3u);
}

TEST(ObjectPool, TellsOfWhatItMakesAndDestroys) {
  std::vector<PoolEvent::Kind> events;
  {
    Things pool(unseen({.name = "p", .max_idle_buffers = 1, .on_event = [&](const PoolEvent& event) {
                          EXPECT_STREQ(event.pool, "p");
                          events.push_back(event.kind);
                        }}));
    acquire(pool, 2).clear();
    pool.set_max_idle_buffers(5);
  }
  using Kind = PoolEvent::Kind;
  EXPECT_THAT(events, testing::ElementsAre(Kind::kCreate, Kind::kCreate, Kind::kDiscard, Kind::kResize));
}

TEST(ObjectPool, WhatLayIdleForTwoTrimsIsDestroyed) {
  Things pool(unseen({.thread_cache_buffers = 0}));
  acquire(pool, 10).clear();
  pool.trim();
  acquire(pool, 3).clear();
  EXPECT_EQ(Thing::alive, 10);
  pool.trim();
  EXPECT_EQ(Thing::alive, 3) << "the three that were used in between are kept";
  EXPECT_EQ(pool.stats().discards[PS_DISCARD_TRIMMED], 7u);
  pool.trim();
  EXPECT_EQ(Thing::alive, 0);
}

TEST(ObjectPool, TrimsByItselfEveryCleanupInterval) {
  Things pool(unseen({.thread_cache_buffers = 0, .cleanup_interval = std::chrono::milliseconds(1)}));
  acquire(pool, 10).clear();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (pool.stats().discards[PS_DISCARD_TRIMMED] < 9 && std::chrono::steady_clock::now() < deadline)
    (void)pool.acquire();
  EXPECT_EQ(pool.stats().discards[PS_DISCARD_TRIMMED], 9u);
  EXPECT_EQ(pool.stats().idle, 1u);
}

TEST(ObjectPool, LoweringTheLimitDestroysWhatIsAboveIt) {
  Things pool(unseen({.max_idle_buffers = 100}));
  acquire(pool, 100).clear();
  pool.set_max_idle_buffers(10);
  EXPECT_EQ(pool.stats().idle, 10u);
  EXPECT_EQ(pool.stats().resizes_down, 1u);
}

TEST(ObjectPool, RaisingTheLimitKeepsMore) {
  Things pool(unseen({.max_idle_buffers = 1}));
  pool.set_max_idle_buffers(50);
  acquire(pool, 60).clear();
  EXPECT_EQ(pool.stats().idle, 50u);
  EXPECT_EQ(pool.stats().resizes_up, 1u);
}

}  // namespace
}  // namespace poolscope::test
