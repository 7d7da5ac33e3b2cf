#include "agent/advice/measure_prices.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#include <sys/mman.h>

#include "poolscope/object_pool.h"

namespace poolscope::advice {
namespace {

constexpr int kBatches = 5;
constexpr double kBatchNs = 300'000;
constexpr unsigned kMostRounds = 1U << 20;

double cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void use(void* memory) {
  asm volatile("" : : "r"(memory) : "memory");
}

template <typename Once>
double batch_ns(unsigned rounds, Once& once) {
  const double start = cpu_ns();
  for (unsigned i = 0; i < rounds; ++i) once();
  return (cpu_ns() - start) / rounds;
}

// The median of some batches; each is long enough that reading the clock does not count.
template <typename Once>
double time_of(Once once) {
  unsigned rounds = 8;
  while (rounds < kMostRounds && batch_ns(rounds, once) * rounds < kBatchNs / 4) rounds *= 4;
  std::array<double, kBatches> batches{};
  for (double& batch : batches) batch = batch_ns(rounds, once);
  std::ranges::nth_element(batches, batches.begin() + kBatches / 2);
  return batches[kBatches / 2];
}

void allocate_once(std::uint64_t bytes) {
  auto* const block = static_cast<char*>(std::malloc(bytes));
  if (block == nullptr) return;
  for (std::uint64_t at = 0; at < bytes; at += sizing::kPageBytes) block[at] = 1;
  use(block);
  std::free(block);
}

double copy_ns_per_byte() {
  std::vector<char> from(64 << 10, 1), to(from.size());
  const double once = time_of([&] {
    std::memcpy(to.data(), from.data(), from.size());
    use(to.data());
  });
  return once / static_cast<double>(from.size());
}

// Fresh pages, one after the other.
void touch_fresh_pages(std::uint64_t bytes) {
  void* const block = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return;
  for (std::uint64_t at = 0; at < bytes; at += sizing::kPageBytes) static_cast<char*>(block)[at] = 1;
  use(block);
  ::munmap(block, bytes);
}

double page_ns() {
  constexpr std::uint64_t kBytes = std::uint64_t{256} << 10;
  return time_of([] { touch_fresh_pages(kBytes); }) / static_cast<double>(kBytes / sizing::kPageBytes);
}

// As page_ns(), for a program that does something else between two requests: few at a time, and nothing of what they need is in the caches.
double cold_page_ns() {
  constexpr std::uint64_t kBytes = 4 * sizing::kPageBytes;
  std::vector<unsigned char> other(std::size_t{4} << 20, 1);
  std::array<double, 15> rounds{};
  for (double& round : rounds) {
    for (std::size_t at = 0; at < other.size(); at += 64) ++other[at];
    const double start = cpu_ns();
    touch_fresh_pages(kBytes);
    round = (cpu_ns() - start) / static_cast<double>(kBytes / sizing::kPageBytes);
  }
  std::ranges::nth_element(rounds, rounds.begin() + rounds.size() / 2);
  return rounds[rounds.size() / 2];
}

double pool_pair_ns() {
  ObjectPool<std::array<char, 64>> pool({.name = "prices", .publish = false});
  return time_of([&] { use(&*pool.acquire()); });
}

}  // namespace

sizing::Prices measure_prices() {
  sizing::Prices prices;
  for (std::uint64_t bytes = 16; bytes <= 1 << 20; bytes *= 4)
    prices.allocation_ns.emplace_back(bytes, time_of([bytes] { allocate_once(bytes); }));
  prices.copy_ns_per_byte = copy_ns_per_byte();
  prices.pool_pair_ns = pool_pair_ns();
  prices.page_ns = page_ns();
  prices.cold_page_ns = std::max(prices.page_ns, cold_page_ns());
  return prices;
}

}  // namespace poolscope::advice
