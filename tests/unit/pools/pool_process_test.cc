// Pools and their process: the stats page, forks, the ends of threads and of the program.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "poolscope/object_pool.h"
#include "poolscope/unique_fd.h"
#include "tests/unit/pools/page_view.h"

namespace poolscope::test {
namespace {

using Ints = ObjectPool<int>;

// As the agent finds it: by the name of the mapping. "from-to", empty when there is none.
std::string mapping_of(const std::string& memfd) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/memfd:" + memfd + " (deleted)") != std::string::npos) return line.substr(0, line.find(' '));
  }
  return "";
}

const void* mapped(const std::string& memfd) {
  const std::string range = mapping_of(memfd);
  return range.empty() ? nullptr : reinterpret_cast<const void*>(std::stoull(range, nullptr, 16));
}

const void* page_of_this_process() {
  return mapped(PS_STATS_MEMFD_NAME);
}

PoolView view(const std::string& name) {
  const void* page = page_of_this_process();
  return page == nullptr ? PoolView{} : pool_named(page, name);
}

std::vector<Ints::Lease> acquire(Ints& pool, int count) {
  std::vector<Ints::Lease> leases;
  for (int i = 0; i < count; ++i) leases.push_back(pool.acquire());
  return leases;
}

int exit_code_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Of a child that can map nothing as large as a page.
pid_t fork_without_memory() {
  std::ifstream statm("/proc/self/statm");
  rlim_t mapped_pages = 0;
  statm >> mapped_pages;
  rlimit before{};
  getrlimit(RLIMIT_AS, &before);
  const rlimit tight{mapped_pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + (1 << 20), before.rlim_max};
  setrlimit(RLIMIT_AS, &tight);
  const pid_t child = fork();
  setrlimit(RLIMIT_AS, &before);
  return child;
}

TEST(PublishedPool, IsSeenWithIdentityLimitsAndCounts) {
  Ints pool({.name = "numbers", .max_idle_buffers = 16, .cleanup_interval = std::chrono::seconds(60)});
  auto leases = acquire(pool, 20);
  leases.resize(2);
  const PoolView seen = view("numbers");
  EXPECT_STREQ(seen.slot.kind, "poolscope");
  EXPECT_STREQ(seen.slot.element, "int");
  EXPECT_EQ(seen.slot.buffer_bytes, sizeof(int));
  EXPECT_EQ(seen.slot.max_idle_buffers, 16u);
  EXPECT_EQ(seen.slot.max_borrowed_buffers, PS_NO_LIMIT);
  EXPECT_EQ(seen.slot.cleanup_interval_ns, 60'000'000'000u);
  EXPECT_EQ(seen.sums.gets, 20u);
  EXPECT_EQ(seen.sums.misses[PS_MISS_EMPTY], 20u);
  EXPECT_EQ(seen.sums.puts, 18u);
  EXPECT_EQ(seen.sums.discards[PS_DISCARD_FULL], 2u);
  EXPECT_EQ(seen.borrowed(), 2u);
  EXPECT_EQ(seen.idle(), 16u);
}

TEST(PublishedPool, IsGoneFromTheLiveOnesWhenItEnds) {
  { Ints pool({.name = "short-lived"}); }
  EXPECT_EQ(view("short-lived").slot.sequence, 0u);
}

TEST(PublishedPool, IsNotSeenWhenItDoesNotWant) {
  Ints pool({.name = "private", .publish = false});
  EXPECT_EQ(view("private").slot.sequence, 0u);
}

TEST(PublishedPool, ShowsHowManyWereIdle) {
  Ints pool({.name = "depth", .sample_one_in = 1});
  acquire(pool, 5).clear();
  for (int i = 0; i < 1000; ++i) (void)pool.acquire();
  const PoolView seen = view("depth");
  EXPECT_GE(total(seen.slot.idle_depth), 900u);
  EXPECT_GE(seen.slot.idle_depth.counts[5], 900u) << "all five are idle after each release";
}

TEST(PublishedPool, LooksAtOnePutInSoMany) {
  Ints pool({.name = "one-in-8", .sample_one_in = 8});
  for (int i = 0; i < 80000; ++i) (void)pool.acquire();
  EXPECT_NEAR(static_cast<double>(total(view("one-in-8").slot.idle_depth)), 10000, 500);
}

TEST(PublishedPool, ShowsHowLongObjectsAreOut) {
  Ints pool({.name = "hold"});
  for (int i = 0; i < 80000; ++i) (void)pool.acquire();
  const PoolView seen = view("hold");
  EXPECT_GT(total(seen.slot.hold_ns), 5u);
  EXPECT_EQ(total(seen.slot.hold_ns), seen.slot.hold_sampled);
}

TEST(PublishedPool, MarksTheMostThatWereOutExactlyWhereItIsBounded) {
  Ints pool({.name = "marks", .max_borrowed_buffers = 50});
  acquire(pool, 37).clear();
  const PoolView seen = view("marks");
  std::uint64_t most = 0;
  for (const ps_mark& mark : seen.slot.borrowed_marks) most = std::max<std::uint64_t>(most, mark.high & PS_MARK_MAX);
  EXPECT_EQ(most, 37u);
  EXPECT_EQ(seen.slot.cached_capacity, 0u);
}

TEST(PublishedPool, MarksTheMostThatWereOutWithinWhatCachesHold) {
  Ints pool({.name = "bracket"});
  acquire(pool, 100).clear();
  acquire(pool, 10).clear();
  const PoolView seen = view("bracket");
  std::uint64_t most = 0;
  for (const ps_mark& mark : seen.slot.borrowed_marks) most = std::max<std::uint64_t>(most, mark.high & PS_MARK_MAX);
  EXPECT_GE(most, 100u);
  EXPECT_LE(most - seen.slot.cached_capacity, 100u);
}

// As the agent asks: through the file of the mapping, which the service itself may only read.
class AskedPool : public testing::Test {
 protected:
  // Whether the pool called `name` was asked for `request`.
  bool ask(const std::string& name, ps_control request) {
    const auto* page = static_cast<const char*>(mapped(PS_STATS_MEMFD_NAME));
    const auto* header = reinterpret_cast<const ps_stats_header*>(page);
    for (ps_u32 i = 0; i < header->pools_used; ++i) {
      const ps_pool* pool = ps_pool_at(page, header, i);
      if (name != pool->name || pool->state != PS_POOL_LIVE) continue;
      request.pool_sequence = ps_pool_sequence(pool);
      return write_request(i, request);
    }
    return false;
  }

 private:
  static bool write_request(ps_u32 slot, const ps_control& request) {
    const UniqueFd fd(open(("/proc/self/map_files/" + mapping_of(PS_CONTROL_MEMFD_NAME)).c_str(), O_RDWR | O_CLOEXEC));
    const auto* control = static_cast<const ps_control_header*>(mapped(PS_CONTROL_MEMFD_NAME));
    const off_t at = control->slots_offset + static_cast<off_t>(slot) * control->slot_bytes;
    return fd && pwrite(fd.get(), &request, sizeof(request), at) == static_cast<ssize_t>(sizeof(request));
  }
};

TEST_F(AskedPool, ChangesItsLimitsWithTheNextSlowCall) {
  Ints pool({.name = "asked", .max_idle_buffers = 10, .thread_cache_buffers = 0, .resizable_by_agent = true});
  acquire(pool, 20).clear();
  ASSERT_TRUE(ask("asked", {1, 0, PS_UNCHANGED, 5, PS_UNCHANGED, PS_UNCHANGED, {}}));
  (void)pool.acquire();
  EXPECT_EQ(pool.stats().idle, 5u);
  const PoolView seen = view("asked");
  EXPECT_EQ(seen.slot.max_idle_buffers, 5u);
  EXPECT_EQ(seen.slot.request_seen, 1u);
  EXPECT_EQ(seen.slot.request_result, static_cast<ps_u64>(PS_REQUEST_APPLIED));
}

TEST_F(AskedPool, RefusesALimitThatItDoesNotHave) {
  Ints pool({.name = "refuses", .max_idle_buffers = 10, .thread_cache_buffers = 0, .resizable_by_agent = true});
  ASSERT_TRUE(ask("refuses", {1, 0, PS_UNCHANGED, 5, 7, PS_UNCHANGED, {}}));
  (void)pool.acquire();
  EXPECT_EQ(pool.max_idle_buffers(), 10u) << "all of the request or nothing";
  EXPECT_EQ(view("refuses").slot.request_result, static_cast<ps_u64>(PS_REQUEST_REFUSED));
}

TEST_F(AskedPool, DoesNotListenWhenItWasNotTold) {
  Ints listening({.name = "listening", .resizable_by_agent = true});
  Ints pool({.name = "deaf", .max_idle_buffers = 10, .thread_cache_buffers = 0});
  ASSERT_TRUE(ask("deaf", {1, 0, PS_UNCHANGED, 5, PS_UNCHANGED, PS_UNCHANGED, {}}));
  (void)pool.acquire();
  EXPECT_EQ(pool.max_idle_buffers(), 10u);
  EXPECT_EQ(view("deaf").slot.request_seen, 0u);
}

TEST(ForkedPool, CountsInAPageOfItsOwnAndKeepsWhatWasIdle) {
  Ints pool({.name = "forked"});
  auto held = acquire(pool, 3);
  acquire(pool, 5).clear();
  const pid_t child = fork();
  if (child == 0) {
    auto more = acquire(pool, 5);  // the five idle ones
    const PoolView seen = view("forked");
    const bool counts = seen.sums.gets == 5 && seen.misses() == 0 && seen.borrowed() == 8 && seen.idle() == 0;
    const auto* header = static_cast<const ps_stats_header*>(page_of_this_process());
    more.clear();
    held.clear();
    _exit(!counts ? 1 : header->pid != static_cast<ps_u64>(getpid()) ? 2 : pool.stats().borrowed != 0 ? 3 : 0);
  }
  EXPECT_EQ(exit_code_of(child), 0);
  EXPECT_EQ(view("forked").sums.gets, 8u) << "the parent's counts are its own";
}

TEST(ForkedPool, CountsWhatOtherThreadsHadIdleAsBorrowedByThem) {
  Ints pool({.name = "orphans"});
  std::atomic<bool> is_idle{false}, may_end{false};
  std::thread other([&] {
    acquire(pool, 10).clear();
    is_idle = true;
    is_idle.notify_all();
    may_end.wait(false);
  });
  is_idle.wait(false);
  const pid_t child = fork();
  if (child == 0) {
    const PoolView seen = view("orphans");
    const bool are_lost = seen.borrowed() == 10 && seen.idle() == 0;
    const auto leases = acquire(pool, 10);
    _exit(are_lost && pool.stats().misses[PS_MISS_EMPTY] == 10 ? 0 : 1);
  }
  EXPECT_EQ(exit_code_of(child), 0);
  may_end = true;
  may_end.notify_all();
  other.join();
}

// The words of the page say how many objects lie in the parent's caches: a child without a page of its own must not touch them.
TEST(ForkedPool, LeavesItsParentAloneWhenThereIsNoMemoryForAPage) {
  Ints pool({.name = "poor"});
  acquire(pool, 5).clear();
  auto handle = pool.local();
  const pid_t child = fork_without_memory();
  if (child == 0) {
    for (int i = 0; i < 3; ++i) handle.release(handle.acquire());
    const auto leases = acquire(pool, 10);
    std::set<const int*> objects;
    for (const auto& lease : leases) objects.insert(lease.get());
    std::exit(objects.size() == 10 ? 0 : 1);  // not _exit(): the end of the thread must leave the page alone, too
  }
  EXPECT_EQ(exit_code_of(child), 0);
  const PoolView seen = view("poor");
  EXPECT_EQ(seen.sums.gets, 5u);
  EXPECT_EQ(seen.idle(), 5u);
  EXPECT_EQ(seen.slot.state, ps_u64{PS_POOL_LIVE});
}

// The child copies a page that its parent goes on changing: there the thread that forked may have ended, and the pool.
TEST(ForkedPool, IsAliveAndItsBlocksAreInUseWhateverItsParentDidMeanwhile) {
  Ints pool({.name = "daemon"});
  acquire(pool, 3).clear();
  void* const page = const_cast<void*>(page_of_this_process());
  ASSERT_NE(page, nullptr);
  const auto* header = static_cast<const ps_stats_header*>(page);
  ps_u32 index = 0;
  while (index < header->pools_used && std::string(ps_pool_at(page, header, index)->name) != "daemon") ++index;
  ASSERT_LT(index, header->pools_used);
  std::vector<ps_block*> in_use;
  for (ps_u32 i = 0; i < header->blocks_used; ++i) {
    auto* block = const_cast<ps_block*>(ps_block_at(page, header, i));
    const bool is_of_pool =
        block->pool_index == index && block->pool_sequence == ps_pool_at(page, header, index)->sequence;
    if (is_of_pool && block->waiting == 0) in_use.push_back(block);
  }
  ASSERT_FALSE(in_use.empty());
  for (ps_block* block : in_use) block->waiting = 1;
  const pid_t child = fork();
  if (child == 0) {
    std::thread([&] { acquire(pool, 5).clear(); }).join();
    const bool are_in_use = std::ranges::all_of(in_use, [](const ps_block* block) { return block->waiting == 0; });
    _exit(are_in_use && pool.stats().gets == 5 && pool.stats().idle == 8 ? 0 : 1);
  }
  for (ps_block* block : in_use) block->waiting = 0;
  EXPECT_EQ(exit_code_of(child), 0);
}

// Its objects are destroyed after its slot was given back: whoever takes it meanwhile has nothing to do with them.
struct MakesPools {
  static inline std::function<void()> at_end;
  static inline int ended = 0;
  ~MakesPools() {
    ++ended;
    if (at_end) at_end();
  }
};

TEST(EndingPool, LeavesThoseAloneWhoTakeItsSlot) {
  auto ending = std::make_unique<ObjectPool<MakesPools>>(PoolOptions{.name = "ending"});
  {
    std::vector<ObjectPool<MakesPools>::Lease> leases;
    for (int i = 0; i < 3; ++i) leases.push_back(ending->acquire());
  }
  std::vector<std::unique_ptr<Ints>> others;
  MakesPools::at_end = [&] {
    for (int i = 0; i < 20; ++i) Ints({.name = "short"}).prewarm(1);
    others.push_back(std::make_unique<Ints>(PoolOptions{.name = "next"}));
    acquire(*others.back(), 7).clear();
  };
  ending.reset();
  MakesPools::at_end = nullptr;
  EXPECT_EQ(MakesPools::ended, 3);
  for (const auto& other : others) {
    const auto leases = acquire(*other, 7);
    std::set<const int*> objects;
    for (const auto& lease : leases) objects.insert(lease.get());
    EXPECT_EQ(objects.size(), 7u);
    EXPECT_EQ(other->stats().gets, 14u);
    EXPECT_EQ(other->stats().all_misses(), 7u);
  }
}

TEST(ForkedPool, IsLookedAtAsOftenAsItsParent) {
  Ints pool({.name = "looked-at", .sample_one_in = 8});
  for (int i = 0; i < 100000; ++i) (void)pool.acquire();
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 1000; ++i) (void)pool.acquire();
    _exit(total(view("looked-at").slot.idle_depth) > 20 ? 0 : 1);
  }
  EXPECT_EQ(exit_code_of(child), 0);
}

// Neither the threads nor the child need the heap: AddressSanitizer's is not made for forks of threaded programs.
TEST(ForkedPool, WorksWhateverTheOtherThreadsWereDoing) {
  PoolOptions options{.name = "busy", .max_borrowed_buffers = 2000, .thread_cache_buffers = 2, .prewarm_buffers = 2000};
  Ints pool(options);
  const auto churn = [&pool](auto& leases) {
    for (auto& lease : leases) lease = pool.acquire();
    for (auto& lease : leases) lease.release();
  };
  std::atomic<bool> is_over{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      std::array<Ints::Lease, 20> leases;
      while (!is_over) churn(leases);
    });
  }
  std::array<Ints::Lease, 50> leases;
  churn(leases);
  for (int i = 0; i < 30; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      for (int round = 0; round < 10; ++round) churn(leases);
      const PoolStats stats = pool.stats();
      _exit(stats.gets == 500 && stats.all_misses() == 0 ? 0 : 1);
    }
    EXPECT_EQ(exit_code_of(child), 0);
  }
  is_over = true;
  for (auto& thread : threads) thread.join();
}

// Uses a pool when the thread's own caches are gone already.
struct LateUser {
  Ints* pool = nullptr;
  ~LateUser() {
    if (pool != nullptr) acquire(*pool, 3).clear();
  }
};
thread_local LateUser late_user;

TEST(EndingThread, MayStillUseAPool) {
  Ints pool({.publish = false});
  std::thread([&] {
    late_user.pool = &pool;  // constructed before the caches, so destroyed after them
    acquire(pool, 3).clear();
  }).join();
  EXPECT_EQ(pool.stats().gets, 6u);
  EXPECT_EQ(pool.stats().borrowed, 0u);
  EXPECT_EQ(pool.stats().idle, 3u);
}

// Leaves through exit(): the pool is destroyed before the object that still uses it, and after it.
struct StaticUser {
  ObjectPool<std::string>* pool = nullptr;
  ObjectPool<std::string>::Lease lease;
  ~StaticUser() {
    if (pool != nullptr) (void)pool->acquire();
  }
};

TEST(EndingProgram, MayDestroyPoolsAndTheirUsersInAnyOrder) {
  const pid_t child = fork();
  if (child == 0) {
    static StaticUser keeps_a_lease;
    static ObjectPool<std::string> early({.name = "early"});
    keeps_a_lease.lease = early.acquire();
    static ObjectPool<std::string> late({.name = "late"});
    static StaticUser uses_the_pool;
    uses_the_pool.pool = &late;
    (void)late.acquire();
    std::exit(0);
  }
  EXPECT_EQ(exit_code_of(child), 0);
}

}  // namespace
}  // namespace poolscope::test
