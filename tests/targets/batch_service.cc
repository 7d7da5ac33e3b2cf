// A service whose only work is a pool of buffers, one batch after the other, until its input ends:
//
//   --max-idle N       limit of the pool
//   --buffer-bytes N   capacity of a fresh buffer
//   --resizable 1      the agent may change its limits
//   --batch N          buffers that are out at a time (default 24); each is filled with --fill bytes (default 32768)
//   --pieces N         in so many appends (default 1)
//
// At the end it prints its gets, its misses and the CPU time of one get in nanoseconds.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>
#include <poolscope/buffer_pool.h>
#include <unistd.h>

#include "json_line.h"

namespace {

struct Options {
  std::uint64_t max_idle = 4, buffer_bytes = 32768, batch = 24, fill = 32768, pieces = 1, resizable = 0;
};

poolscope::BufferPoolOptions pool_options(const Options& options) {
  poolscope::BufferPoolOptions pool;
  pool.pool = {.name = "batch.blocks",
               .max_idle_buffers = options.max_idle,
               .thread_cache_buffers = 0,
               .resizable_by_agent = options.resizable != 0};
  pool.buffer_bytes = {options.buffer_bytes};
  return pool;
}

bool input_has_ended() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  char byte = 0;
  return ::poll(&input, 1, 0) > 0 && ::read(STDIN_FILENO, &byte, 1) <= 0;
}

std::uint64_t cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

void work(poolscope::BufferPool& pool, const Options& options, const std::string& content) {
  std::vector<poolscope::Buffer> out;
  for (std::uint64_t i = 0; i < options.batch; ++i) {
    out.push_back(pool.acquire());
    for (std::uint64_t piece = 0; piece < options.pieces; ++piece) out.back().append(content);
  }
}

[[noreturn]] void usage() {
  json_usage(
      "usage: batch_service [--max-idle N] [--buffer-bytes N] [--batch N] [--fill N] [--pieces N] [--resizable 1]\n");
  std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name(argv[i]);
    std::uint64_t* const value = name == "--max-idle"       ? &options.max_idle
                                 : name == "--buffer-bytes" ? &options.buffer_bytes
                                 : name == "--batch"        ? &options.batch
                                 : name == "--fill"         ? &options.fill
                                 : name == "--pieces"       ? &options.pieces
                                 : name == "--resizable"    ? &options.resizable
                                                            : nullptr;
    if (value == nullptr || i + 1 == argc) usage();
    *value = std::strtoull(argv[i + 1], nullptr, 10);
  }
  if (options.pieces == 0) usage();
  poolscope::BufferPool pool(pool_options(options));
  const std::string content(options.fill / options.pieces, 'x');
  while (!input_has_ended()) {
    work(pool, options, content);
    const timespec pause{0, 200'000};
    ::nanosleep(&pause, nullptr);
  }
  const auto stats = pool.stats();
  json_open(nullptr);
  json_number("gets", stats.gets);
  json_number("misses", stats.all_misses());
  json_number("cpu_ns_per_get", stats.gets == 0 ? 0 : cpu_ns() / stats.gets);
  json_close();
  json_flush();
}
