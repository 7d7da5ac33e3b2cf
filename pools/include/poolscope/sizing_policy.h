#pragma once
// What size a pool of buffers should have, as pure functions of what was counted: how many buffers, how many bytes each.

#include <cstdint>
#include <optional>

#include "poolscope/stats_page.h"

namespace poolscope {

// Number of buffers by the share of gets that overflowed: above the band half as many more, below it a quarter fewer.
// Simple and slow: several steps for a large change, and a window of few gets makes it jump between sizes.
struct OverflowBand {
  double grow_above_ratio = 0.05;
  double shrink_below_ratio = 0.01;
  double grow_factor = 1.5;
  double shrink_factor = 0.75;
  std::uint64_t min_buffers = 16;
  std::uint64_t max_buffers = 128;
};
// nullopt: as many as now. Without a get there is nothing to say.
[[nodiscard]] std::optional<std::uint64_t> suggest_buffers(const OverflowBand& band, std::uint64_t buffers,
                                                           std::uint64_t gets, std::uint64_t overflows);

// Bytes of a buffer by a quantile of the sizes that were needed, in one step; changed only when the answer was the same `dwell` times and
// differs from the size of now by at least `min_change_ratio`.
struct NeededQuantile {
  double quantile = 0.99;
  double min_change_ratio = 0.2;
  unsigned dwell = 3;
  std::uint64_t min_bytes = 64;
  std::uint64_t max_bytes = std::uint64_t{1} << 30;
};
// Upper end of the 95 % confidence interval of the quantile, rounded up to the end of its bucket. nullopt: too few values for it.
[[nodiscard]] std::optional<std::uint64_t> upper_quantile(const ps_histogram& histogram, double quantile);
// The size to take now, for `buffer_bytes` of now. nullopt: as now, or not known.
[[nodiscard]] std::optional<std::uint64_t> suggest_buffer_bytes(const NeededQuantile& policy,
                                                                const ps_histogram& needed_bytes,
                                                                std::uint64_t buffer_bytes);

}  // namespace poolscope
