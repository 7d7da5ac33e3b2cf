#include "pools/sizing/size_classes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <span>

namespace poolscope::sizing {
namespace {

constexpr std::uint64_t kKiB = 1024, kPageBytes = 4 * kKiB;

constexpr std::uint64_t round_up(std::uint64_t bytes, std::uint64_t step) {
  return (bytes + step - 1) / step * step;
}

// Four classes per power of two, 16 bytes apart at the least.
std::uint64_t quarter_class(std::uint64_t bytes) {
  if (bytes <= 8) return 8;
  if (bytes <= 128) return round_up(bytes, 16);
  return round_up(bytes, std::bit_floor(bytes - 1) / 4);
}

constexpr std::uint64_t kGlibcMmapThreshold = 128 * kKiB;

std::uint64_t glibc_usable(std::uint64_t bytes) {
  constexpr std::uint64_t kHeader = 8, kLeastChunk = 32;
  const std::uint64_t chunk = std::max(kLeastChunk, round_up(bytes + kHeader, 16));
  if (chunk < kGlibcMmapThreshold) return chunk - kHeader;
  // Mapped: another header, and no neighbour whose header it could use.
  return round_up(chunk + kHeader, kPageBytes) - 3 * kHeader;
}

std::uint64_t mimalloc_usable(std::uint64_t bytes) {
  if (bytes <= 128 * kKiB) return quarter_class(bytes);
  return round_up(bytes, bytes <= 512 * kKiB ? 64 * kKiB : 512 * kKiB);
}

// The first that is not below; of a table that ends before it, steps of `step` from there on.
template <typename Table>
std::uint64_t from_table(const Table& table, std::uint64_t bytes, std::uint64_t step) {
  const auto at = std::ranges::lower_bound(table, bytes);
  return at != std::end(table) ? *at : round_up(bytes, step);
}

constexpr auto kTcmallocClasses = std::to_array<std::uint64_t>(
    {8,    16,   32,   48,   64,    80,    96,    112,   128,   144,   160,   176,  192,  208,  224,
     240,  256,  288,  320,  352,   384,   416,   448,   480,   512,   576,   640,  704,  768,  896,
     1024, 1152, 1280, 1408, 1536,  1792,  2048,  2304,  2560,  2816,  3072,  3328, 4096, 4608, 5120,
     6144, 6656, 8192, 9216, 10240, 12288, 13312, 16384, 20480, 24576, 26624, 32768});

constexpr auto kGoClasses = std::to_array<std::uint64_t>(
    {8,    16,   24,    32,    48,    64,    80,    96,    112,   128,   144,   160,   176,   192,   208,   224,  240,
     256,  288,  320,   352,   384,   416,   448,   480,   512,   576,   640,   704,   768,   896,   1024,  1152, 1280,
     1408, 1536, 1792,  2048,  2304,  2688,  3072,  3200,  3456,  4096,  4864,  5376,  6144,  6528,  6784,  6912, 8192,
     9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768});

// In units of 16 bytes, of which the last four bytes belong to musl.
constexpr auto kMuslClasses = std::to_array<std::uint64_t>(
    {1,   2,   3,   4,    5,    6,    7,    8,    9,    10,   12,   15,   18,   20,   25,   31,
     36,  42,  50,  63,   72,   84,   102,  127,  146,  170,  204,  255,  292,  340,  409,  511,
     584, 682, 818, 1023, 1169, 1364, 1637, 2047, 2340, 2730, 3276, 4095, 4680, 5460, 6552, 8191});
constexpr std::uint64_t kMuslMmapThreshold = 131052;

std::uint64_t musl_usable(std::uint64_t bytes) {
  constexpr std::uint64_t kUnit = 16, kInBand = 4;
  if (bytes >= kMuslMmapThreshold) return round_up(bytes + kInBand + kUnit, kPageBytes) - kInBand - kUnit;
  return from_table(kMuslClasses, (bytes + kInBand + kUnit - 1) / kUnit, 1) * kUnit - kInBand;
}

struct AllocatorName {
  Allocator allocator;
  std::string_view name;
};
constexpr auto kNames = std::to_array<AllocatorName>({{Allocator::kGlibc, "glibc"},
                                                      {Allocator::kJemalloc, "jemalloc"},
                                                      {Allocator::kTcmalloc, "tcmalloc"},
                                                      {Allocator::kMimalloc, "mimalloc"},
                                                      {Allocator::kMusl, "musl"},
                                                      {Allocator::kGo, "go"}});

constexpr auto kGlibcCliffs =
    std::to_array<Cliff>({{1033, "blocks above 1032 bytes are not kept in glibc's cache of the thread"},
                          {kGlibcMmapThreshold - 8,
                           "glibc maps and unmaps each block, with its page faults, until its threshold has risen"}});
constexpr auto kGoCliffs = std::to_array<Cliff>({{32769, "Go takes objects above 32 KiB from the heap under a lock"}});
constexpr auto kMuslCliffs = std::to_array<Cliff>({{kMuslMmapThreshold, "musl maps and unmaps each block"}});
constexpr auto kTcmallocCliffs =
    std::to_array<Cliff>({{256 * kKiB + 1, "tcmalloc takes blocks above 256 KiB from its page heap under a lock"}});

std::span<const Cliff> cliffs_of(Allocator allocator) {
  switch (allocator) {
    case Allocator::kGlibc:
      return kGlibcCliffs;
    case Allocator::kGo:
      return kGoCliffs;
    case Allocator::kMusl:
      return kMuslCliffs;
    case Allocator::kTcmalloc:
      return kTcmallocCliffs;
    case Allocator::kJemalloc:
    case Allocator::kMimalloc:
      break;
  }
  return {};
}

}  // namespace

std::optional<Allocator> allocator_named(std::string_view name) {
  const auto found = std::ranges::find(kNames, name, &AllocatorName::name);
  return found != kNames.end() ? std::optional(found->allocator) : std::nullopt;
}

std::string_view name_of(Allocator allocator) {
  return std::ranges::find(kNames, allocator, &AllocatorName::allocator)->name;
}

std::uint64_t usable_bytes(Allocator allocator, std::uint64_t requested_bytes) {
  const std::uint64_t bytes = std::max<std::uint64_t>(requested_bytes, 1);
  if (bytes > kLargestClassBytes) return bytes;
  switch (allocator) {
    case Allocator::kGlibc:
      return glibc_usable(bytes);
    case Allocator::kJemalloc:
      return quarter_class(bytes);
    case Allocator::kTcmalloc:
      return from_table(kTcmallocClasses, bytes, 8 * kKiB);
    case Allocator::kMimalloc:
      return mimalloc_usable(bytes);
    case Allocator::kMusl:
      return musl_usable(bytes);
    case Allocator::kGo:
      return from_table(kGoClasses, bytes, 8 * kKiB);
  }
  return bytes;
}

std::vector<std::uint64_t> usable_sizes(Allocator allocator, std::uint64_t least_bytes, std::uint64_t most_bytes,
                                        std::size_t limit) {
  std::vector<std::uint64_t> sizes;
  if (limit == 0 || most_bytes > kLargestClassBytes) return sizes;
  const std::uint64_t last = usable_bytes(allocator, std::max(least_bytes, most_bytes));
  const std::uint64_t step = (last - std::min(last, least_bytes)) / limit;  // sizes closer than that are left out
  for (std::uint64_t bytes = usable_bytes(allocator, least_bytes);;) {
    sizes.push_back(bytes);
    if (bytes >= last || sizes.size() == limit) break;
    bytes = usable_bytes(allocator, std::min(last, bytes + std::max<std::uint64_t>(step, 1)));
  }
  sizes.back() = last;
  return sizes;
}

std::optional<Cliff> highest_cliff(Allocator allocator, std::uint64_t bytes) {
  std::optional<Cliff> highest;
  for (const Cliff& cliff : cliffs_of(allocator)) {
    if (cliff.from_bytes <= bytes) highest = cliff;
  }
  return highest;
}

}  // namespace poolscope::sizing
