// Everything at once: threads that come and go use pools that come and go, while others trim, resize, look and fork. Bounded by time;
// POOLSCOPE_STRESS_SECONDS and POOLSCOPE_STRESS_SEED choose another run. What must hold is checked at every object and at every rest.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "poolscope/object_pool.h"

namespace poolscope::test {
namespace {

constexpr std::size_t kPools = 6;
constexpr std::size_t kThreads = 4;
constexpr std::size_t kMostHeld = 40;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// An object knows whether it is out: nobody may get it while somebody has it.
struct Thing {
  std::atomic<bool> is_out{false};
};
using Things = ObjectPool<Thing>;

// A pool and what the test knows of it.
struct Tested {
  explicit Tested(PoolOptions options) : pool(std::move(options)) {}
  Things pool;
  std::atomic<std::uint64_t> gets{0}, failed{0}, puts{0};
};

// Which of them are there. Whoever uses one is a reader for one step; who ends one, or wants everything at rest, is the writer.
class World {
 public:
  [[nodiscard]] std::shared_lock<std::shared_mutex> read() {
    { const std::lock_guard turn(next_); }  // behind a writer that waits: readers never leave the lock to it
    return std::shared_lock(lock_);
  }
  [[nodiscard]] std::unique_lock<std::shared_mutex> write() {
    const std::lock_guard turn(next_);
    return std::unique_lock(lock_);
  }

  std::array<std::shared_ptr<Tested>, kPools> pools;
  std::atomic<std::uint64_t> twice{0}, pools_made{0}, forks{0}, threads_ended{0};

 private:
  std::mutex next_;
  std::shared_mutex lock_;
};

struct Held {
  std::shared_ptr<Tested> of;
  Thing* thing = nullptr;
};

class Random {
 public:
  explicit Random(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t end) { return random_() % end; }

 private:
  std::mt19937_64 random_;
};

std::shared_ptr<Tested> make_pool(World& world, Random& random) {
  PoolOptions options;
  options.name = "stress-" + std::to_string(++world.pools_made);
  options.thread_cache_buffers = static_cast<std::uint32_t>(random.below(40));
  options.sample_one_in = static_cast<std::uint32_t>(random.below(8));
  options.publish = random.below(4) > 0;
  if (random.below(2) > 0) options.max_idle_buffers = random.below(100);
  if (random.below(3) == 0) options.max_borrowed_buffers = 1 + random.below(100);
  if (random.below(2) > 0) options.at_limit = AtLimit::kHeap;
  if (random.below(3) == 0) options.cleanup_interval = std::chrono::microseconds(100);
  return std::make_shared<Tested>(options);
}

// ---- what a thread does, one step at a time ------------------------------------------------------------------------------

class Worker {
 public:
  Worker(World& world, std::uint64_t seed) : world_(world), random_(seed) {}
  ~Worker() {
    const auto reader = world_.read();
    while (count_ > 0) put();
  }

  void step() {
    const std::size_t what = random_.below(1000);
    if (what < 2) return replace_a_pool();
    const auto reader = world_.read();
    const auto& tested = world_.pools[random_.below(kPools)];
    if (what < 500)
      get(tested);
    else if (what < 960)
      put();
    else if (what < 970)
      tested->pool.trim();
    else if (what < 980)
      tested->pool.flush_this_thread();
    else if (what < 985)
      tested->pool.set_max_idle_buffers(random_.below(100));
    else if (what < 990)
      (void)tested->pool.set_max_borrowed_buffers(1 + random_.below(100));
    else if (what < 995)
      tested->pool.prewarm(random_.below(50));
    else
      look(*tested);
  }

 private:
  void get(const std::shared_ptr<Tested>& tested) {
    if (count_ == held_.size()) return put();
    Thing* const thing = tested->pool.acquire_raw();
    ++tested->gets;
    if (thing == nullptr) {
      ++tested->failed;
      return;
    }
    if (thing->is_out.exchange(true)) ++world_.twice;
    held_[count_++] = {tested, thing};
  }
  // Its pool may have ended.
  void put() {
    if (count_ == 0) return;
    std::swap(held_[random_.below(count_)], held_[count_ - 1]);
    const Held one = std::exchange(held_[--count_], {});
    if (!one.thing->is_out.exchange(false)) ++world_.twice;
    ++one.of->puts;
    one.of->pool.release(one.thing);
  }
  void look(Tested& tested) {
    const PoolStats before = tested.pool.stats(), after = tested.pool.stats();
    if (after.gets < before.gets || after.puts < before.puts || after.created < before.created) ++world_.twice;
  }
  // Nobody is inside a call meanwhile; threads that hold objects of it keep it alive.
  void replace_a_pool() {
    const auto writer = world_.write();
    world_.pools[random_.below(kPools)] = make_pool(world_, random_);
  }

  World& world_;
  Random random_;
  std::array<Held, kMostHeld> held_{};
  std::size_t count_ = 0;
};

// One thread after the other. They begin and end while nothing is at rest, and nothing but steps needs the heap: the child of a fork
// must find it in order, and AddressSanitizer's does not care for that itself.
void keep_working(World& world, std::uint64_t seed, const std::atomic<bool>& is_over) {
  std::thread thread;
  std::atomic<bool> has_begun{false}, is_done{false}, may_end{false};
  const auto work = [&](std::uint64_t its_seed) {
    has_begun = true;
    has_begun.notify_all();
    {
      Worker worker(world, its_seed);
      for (int step = 0; step < 5000 && !is_over; ++step) worker.step();
    }
    is_done = true;
    is_done.notify_all();
    may_end.wait(false);
  };
  for (std::uint64_t life = 1;; ++life) {
    auto reader = world.read();
    if (thread.joinable()) {
      may_end = true;
      may_end.notify_all();
      thread.join();
      ++world.threads_ended;
    }
    if (is_over) return;
    has_begun = is_done = may_end = false;
    thread = std::thread(work, seed + 1000 * life);
    has_begun.wait(false);
    reader.unlock();
    is_done.wait(false);
  }
}

// ---- what must hold while nobody is inside a call --------------------------------------------------------------------------

void expect_counts_add_up(const Tested& tested) {
  const PoolStats stats = tested.pool.stats();
  EXPECT_EQ(stats.gets, tested.gets);
  EXPECT_EQ(stats.gets_failed, tested.failed);
  EXPECT_EQ(stats.puts, tested.puts);
  EXPECT_EQ(stats.borrowed, tested.gets - tested.failed - tested.puts);
  EXPECT_EQ(stats.created, stats.destroyed + stats.idle + stats.borrowed);
  // What other threads kept when the limit was lowered goes with their next puts.
  if (tested.pool.max_idle_buffers() != kNoLimit) {
    EXPECT_LE(stats.idle, tested.pool.max_idle_buffers() + kThreads * 40);
  }
}

// In the child: its counts begin with zero, and what is idle is there, each object once; what other threads kept is not.
// nullptr, or what is wrong.
const char* child_problem(Tested& tested, std::uint64_t idle_before, std::uint64_t objects_before) {
  const PoolStats start = tested.pool.stats();
  if (start.gets != 0 || start.puts != 0 || start.created != 0) return "it does not begin to count anew";
  if (start.idle > idle_before || start.idle + start.borrowed != objects_before)
    return "other objects are there than before";
  std::vector<Thing*> mine;
  for (std::uint64_t i = 0; i < std::min(start.idle, tested.pool.max_borrowed_buffers()); ++i) {
    mine.push_back(tested.pool.acquire_raw());
    if (mine.back() == nullptr) return "it hands out less than its limit allows";
    if (mine.back()->is_out.exchange(true)) return "an object is handed out twice";
  }
  const PoolStats middle = tested.pool.stats();
  if (middle.all_misses() > middle.destroyed) return "an idle object is lost";  // destroyed: trimmed meanwhile
  for (Thing* const thing : mine) {
    thing->is_out = false;
    tested.pool.release(thing);
  }
  return tested.pool.stats().borrowed == start.borrowed ? nullptr : "its counts do not add up";
}

void fork_and_check(World& world) {
  std::array<PoolStats, kPools> before;
  for (std::size_t i = 0; i < kPools; ++i) before[i] = world.pools[i]->pool.stats();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(60);
    for (std::size_t i = 0; i < kPools; ++i) {
      if (const char* problem = child_problem(*world.pools[i], before[i].idle, before[i].idle + before[i].borrowed)) {
        dprintf(STDERR_FILENO, "in the child: pool %zu: %s\n", i, problem);
        _exit(1);
      }
    }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "see above";
  ++world.forks;
}

TEST(PoolStress, LosesNothingWhateverHappensAtOnce) {
  const std::uint64_t seed = setting("POOLSCOPE_STRESS_SEED", std::random_device{}());
  const std::chrono::seconds duration(setting("POOLSCOPE_STRESS_SECONDS", 6));
  SCOPED_TRACE("POOLSCOPE_STRESS_SEED=" + std::to_string(seed));
  World world;
  Random random(seed);
  for (auto& tested : world.pools) tested = make_pool(world, random);
  std::atomic<bool> is_over{false};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&world, &is_over, seed, t] { keep_working(world, seed + t, is_over); });
  }
  const auto end = std::chrono::steady_clock::now() + duration;
  while (std::chrono::steady_clock::now() < end && !testing::Test::HasFailure()) {
    std::this_thread::yield();
    const auto at_rest = world.write();
    for (const auto& tested : world.pools) expect_counts_add_up(*tested);
    if (random.below(20) == 0) fork_and_check(world);
  }
  is_over = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(world.twice, 0u) << "objects that two had, or counts that fell";
  for (const auto& tested : world.pools) {
    expect_counts_add_up(*tested);
    EXPECT_EQ(tested->pool.stats().borrowed, 0u);
  }
  EXPECT_GT(world.forks, 3u);
  EXPECT_GT(world.threads_ended, kThreads);
  std::printf("seed %llu: %llu pools, %llu threads, %llu forks\n", static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(world.pools_made.load()),
              static_cast<unsigned long long>(world.threads_ended.load()),
              static_cast<unsigned long long>(world.forks.load()));
}

}  // namespace
}  // namespace poolscope::test
