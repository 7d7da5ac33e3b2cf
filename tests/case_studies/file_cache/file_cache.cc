// The case study file_cache: a cache of files whose entries come from the heap (baseline) or from pools (pooled).
//
//   --serve [heap|pool]   a service that reads, asks for attributes and now and then writes, with more files than the cache holds
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/case_studies/case_study.h"
#include "tests/case_studies/file_cache/cache.h"

namespace poolscope::case_study {
namespace {

constexpr std::size_t kFiles = 1024;
constexpr std::size_t kFileBytes = 512;
constexpr std::size_t kChunkBytes = 1024;
constexpr std::size_t kChunksOfAFile = 400;

// A cache, its files, and where in them the next operation is.
struct Bench {
  explicit Bench(const FileCacheOptions& options, std::size_t files = kFiles, std::size_t bytes = kFileBytes)
      : layer(files, bytes), cache(layer, options) {}

  const std::string& next_path() { return layer.paths()[next++ % layer.paths().size()]; }
  void read(const std::string& path) {
    auto file = FileCache::open(path);
    keep(cache.read(file, bytes));
  }

  FileLayer layer;
  FileCache cache;
  std::size_t next = 0;
  std::array<std::byte, kFileBytes> bytes{};
};

// `operation` of a bench of its own, made at the first call.
template <typename Operation>
Work work(FileCacheOptions options, Memory memory, Operation operation, std::size_t files = kFiles) {
  options.memory = memory;
  return [options, files, operation, bench = std::shared_ptr<Bench>()](std::uint64_t operations) mutable {
    if (!bench) bench = std::make_shared<Bench>(options, files);
    for (std::uint64_t i = 0; i < operations; ++i) operation(*bench);
  };
}

template <typename Operation>
Row row(const char* name, const FileCacheOptions& options, Operation operation, std::size_t files = kFiles) {
  return {.name = name,
          .baseline = work(options, Memory::kHeap, operation, files),
          .pooled = work(options, Memory::kPool, operation, files),
          .counted_operations = 4 * kChunksOfAFile};
}

void read_one_file(Bench& bench) {
  bench.read(bench.layer.paths()[0]);
}

void read_next(Bench& bench) {
  bench.read(bench.next_path());
}

void read_uncached(Bench& bench) {
  const std::string& path = bench.next_path();
  bench.read(path);
  bench.cache.invalidate(path);
}

// Every tenth read is of one of a hundred files in turn, which are read often.
void read_some_often(Bench& bench) {
  bench.read(bench.next % 10 == 0 ? bench.layer.paths()[bench.next % 100] : bench.layer.paths()[bench.next % kFiles]);
  ++bench.next;
}

void write_one_file(Bench& bench) {
  auto file = FileCache::open(bench.layer.paths()[0]);
  bench.cache.write(file, bench.bytes);
}

// Files of 400 KiB are written in chunks of 1 KiB, then left.
void write_chunk(Bench& bench) {
  static constexpr std::array<std::byte, kChunkBytes> chunk{};
  const std::size_t at = bench.next++ % kChunksOfAFile;
  const std::string& path = bench.layer.paths()[0];
  auto file = FileCache::open(path);
  file.offset = at * kChunkBytes;
  bench.cache.write(file, chunk);
  if (at + 1 == kChunksOfAFile) bench.cache.invalidate(path);
}

void ask_metadata(Bench& bench) {
  keep(bench.cache.stat(bench.layer.paths()[0]));
}

void renew_metadata(Bench& bench) {
  const std::string& path = bench.next_path();
  keep(bench.cache.stat(path));
  bench.cache.invalidate(path);
}

std::vector<Row> rows() {
  return {
      row("read_hit", {}, read_one_file),
      row("read_miss", {}, read_uncached),
      row("write_through", {}, write_one_file),
      row("write_back", {.writing = Writing::kBack}, write_chunk, 1),
      row("evict_lru", {.eviction = Eviction::kLru}, read_next),
      row("evict_lfu", {.eviction = Eviction::kLfu}, read_some_often),
      row("evict_ttl", {.eviction = Eviction::kTtl, .ttl = std::chrono::nanoseconds(-1)}, read_one_file),
      row("evict_hybrid", {.eviction = Eviction::kHybrid}, read_some_often),
      row("metadata_hit", {}, ask_metadata),
      row("metadata_miss", {}, renew_metadata),
  };
}

double hit_ratio_of_evictions() {
  Bench bench({.memory = Memory::kPool});
  for (int i = 0; i < 100'000; ++i) read_next(bench);
  return bench.cache.hit_ratio();
}

Memory memory_of(const std::vector<std::string_view>& words) {
  if (words.empty() || words[0] == "pool") return Memory::kPool;
  if (words[0] == "heap") return Memory::kHeap;
  throw std::invalid_argument("--serve takes `heap` or `pool`");
}

// About half of the reads miss.
void serve(const std::vector<std::string_view>& words) {
  static Bench bench({.memory = memory_of(words), .eviction = Eviction::kHybrid, .writing = Writing::kBack});
  static std::mt19937 random(1);
  static std::exponential_distribution<double> rank(1.0 / 150);
  for (int i = 0; i < 400; ++i) {
    const std::string& path = bench.layer.paths()[static_cast<std::size_t>(rank(random)) % kFiles];
    bench.read(path);
    if (i % 4 == 0) keep(bench.cache.stat(path));
    if (i % 64 == 0) bench.cache.invalidate(path);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace
}  // namespace poolscope::case_study

int main(int argc, char** argv) {
  using namespace poolscope::case_study;
  return run(
      argc, argv,
      {.rows = rows(), .figures = {{.name = "pool_hit_ratio", .pooled = hit_ratio_of_evictions}}, .serve = serve});
}
