#pragma once
// Prices: what the alternatives of a pool cost on this machine, in nanoseconds of CPU time, and what memory is worth beside it. Everything
// that is advised follows from these and from counts; whoever disagrees with a price gives another one.
//
//   Memory   holding bytes costs `byte_seconds_per_core_second`^-1: one core is worth so many bytes, for the same time. The default is a
//            machine with 6 GiB per core: 1 KiB held for a second is worth 159 ns. 0 where memory is reserved anyway.
//   Measured by measure_prices() of agent/advice, in the agent's own process, in some 20 ms.

#include <cstdint>
#include <utility>
#include <vector>

namespace poolscope::sizing {

inline constexpr std::uint64_t kPageBytes = 4096;

struct Prices {
  // A block of so many bytes, allocated, its first bytes touched, freed; ascending. Between two of them in proportion; outside as the
  // nearest.
  std::vector<std::pair<std::uint64_t, double>> allocation_ns;
  double copy_ns_per_byte = 0.05;
  double pool_pair_ns = 4;  // a get that hits and its put
  // A fresh page from the kernel: fault, zeroing, giving it back; one of many in a row, and one of few after other work.
  double page_ns = 500, cold_page_ns = 2000;
  double bytes_per_core = 6.0 * (1ULL << 30);

  [[nodiscard]] double allocation(std::uint64_t bytes) const;
  // Where an allocator gives memory back to the kernel, as glibc does with the end of its heap and with large blocks, a block costs its pages,
  // too. Which it is depends on the order of all frees of a program; the truth lies between this and `allocation_ns`.
  // `ratio`: of the pages of blocks that are allocated, those that come from the kernel each time, for `each_ns`.
  [[nodiscard]] Prices with_fresh_pages(double ratio, double each_ns) const;
  // Of one byte that is held for a second.
  [[nodiscard]] double byte_second_ns() const { return bytes_per_core > 0 ? 1e9 / bytes_per_core : 0; }
  bool operator==(const Prices&) const = default;
};

}  // namespace poolscope::sizing
