// pool_service: a service with pools of libpoolscope, which prints what they counted, one JSON line, and then waits for its end.
//   Load      each of --threads threads does --rounds rounds: it takes 1..8 objects or buffers and puts them back. With --rounds 0
//             nothing is used.
//   --resize  at the end the pool of objects keeps at most so many idle.
//   --fork    a child does the same work once more, on a page of its own, prints its counts on a second line and waits, too.
//   Counts    those of the pools' own stats(), read when no thread is inside a call: exact.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <poolscope/buffer_pool.h>
#include <poolscope/object_pool.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "json_line.h"

namespace {

constexpr unsigned kMaxHeld = 8;

struct Options {
  std::uint64_t threads = 4, rounds = 1000;
  std::optional<std::uint64_t> resize;
};

struct Pools {
  poolscope::ObjectPool<std::string> objects{
      {.name = "service.objects", .max_idle_buffers = 6, .thread_cache_buffers = 2}};
  poolscope::BufferPool buffers = poolscope::BufferPool(buffer_options());

  static poolscope::BufferPoolOptions buffer_options() {
    poolscope::BufferPoolOptions options;
    options.pool = {.name = "service.buffers", .max_idle_buffers = 16, .thread_cache_buffers = 4, .sample_one_in = 1};
    options.buffer_bytes = {1024};
    return options;
  }
};

std::uint64_t next_random(std::uint64_t& random) {
  random ^= random << 13;
  random ^= random >> 7;
  random ^= random << 17;
  return random;
}

void work(Pools& pools, std::uint64_t rounds, std::uint64_t thread) {
  std::uint64_t random = (thread + 1) * 0x9e3779b97f4a7c15;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const std::uint64_t held = 1 + next_random(random) % kMaxHeld;
    std::vector<decltype(pools.objects.acquire())> objects;
    std::vector<poolscope::Buffer> buffers;
    for (std::uint64_t i = 0; i < held; ++i) {
      objects.push_back(pools.objects.acquire());
      buffers.push_back(pools.buffers.acquire(next_random(random) % 2048));
    }
  }
}

void run(Pools& pools, const Options& options) {
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < options.threads; ++i) threads.emplace_back([&, i] { work(pools, options.rounds, i); });
  for (auto& thread : threads) thread.join();
  if (options.resize) pools.objects.set_max_idle_buffers(*options.resize);
}

void print_pool(const char* name, const poolscope::PoolStats& stats) {
  json_open(name);
  json_number("gets", stats.gets);
  json_number("puts", stats.puts);
  json_number("misses", stats.all_misses());
  json_number("misses_empty", stats.misses[PS_MISS_EMPTY]);
  json_number("misses_over_max_size", stats.misses[PS_MISS_OVER_MAX_SIZE]);
  json_number("discards", stats.all_discards());
  json_number("discards_full", stats.discards[PS_DISCARD_FULL]);
  json_number("created", stats.created);
  json_number("destroyed", stats.destroyed);
  json_number("borrowed", stats.borrowed);
  json_number("idle", stats.idle);
  json_close();
}

void print(const Pools& pools) {
  json_open(nullptr);
  print_pool("service.objects", pools.objects.stats());
  print_pool("service.buffers", pools.buffers.stats());
  json_close();
  json_flush();
}

[[noreturn]] void usage() {
  json_usage("usage: pool_service [--threads 1..64] [--rounds N] [--resize N] [--fork]\n");
  std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  bool with_child = false;
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--fork") == 0) {
      with_child = true;
    } else if (std::strcmp(argv[i], "--threads") == 0 && has_value) {
      options.threads = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--rounds") == 0 && has_value) {
      options.rounds = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--resize") == 0 && has_value) {
      options.resize = std::strtoull(argv[++i], nullptr, 10);
    } else {
      usage();
    }
  }
  if (options.threads < 1 || options.threads > 64) usage();
  Pools pools;
  run(pools, options);
  print(pools);
  if (with_child && ::fork() == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    run(pools, options);
    print(pools);
  }
  for (;;) ::pause();
}
