// A service to be looked at from outside, which works until its input ends:
//
//   sleep 60 | busy_service &  poolscope attach busy_service --for 10s
//
// Each worker answers batches of up to eight requests, so that up to eight parsers and replies are out for each. The pool of replies keeps enough of
// them; that of parsers does not.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <poolscope/buffer_pool.h>
#include <poolscope/object_pool.h>

namespace {

constexpr unsigned kWorkers = 3, kLargestBatch = 8;

struct Parser {
  std::vector<std::string> fields;
  void parse(unsigned request) { fields.assign(4, "field " + std::to_string(request)); }
  void reset() { fields.clear(); }  // the pool calls it at release
};

poolscope::BufferPoolOptions reply_options() {
  poolscope::BufferPoolOptions options;
  options.pool.name = "http.replies";
  options.pool.max_idle_buffers = 64;
  options.buffer_bytes = {4096};
  return options;
}

struct Pools {
  poolscope::ObjectPool<Parser> parsers{{.name = "http.parsers", .max_idle_buffers = 6}};
  poolscope::BufferPool replies{reply_options()};
};

void answer(Pools& pools, unsigned requests) {
  std::vector<decltype(pools.parsers.acquire())> parsers;
  std::vector<poolscope::Buffer> replies;
  for (unsigned i = 0; i < requests; ++i) {
    parsers.push_back(pools.parsers.acquire());
    parsers.back()->parse(i);
    replies.push_back(pools.replies.acquire());
    replies.back().append(std::string(500 + 700 * i, 'x'));  // the longest do not fit into 4096 bytes
  }
}

}  // namespace

int main() {
  Pools pools;
  std::atomic<bool> is_over{false};
  std::vector<std::thread> workers;
  for (unsigned w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&, w] {
      for (unsigned batch = w; !is_over; ++batch) {
        answer(pools, 1 + batch % kLargestBatch);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  }
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) continue;
  is_over = true;
  for (auto& worker : workers) worker.join();
}
