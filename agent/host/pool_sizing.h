#pragma once
// PoolSizing: when a hosted pool should have another number of buffers, by the policies of poolscope/sizing_policy.h.
//   overflow_band  every 10 s with at least 100 gets: half as many more when over 5 % of them failed, a quarter fewer below 1 %, but never fewer
//                  than were out at a time.
//   quantile       the buffers that sufficed in 99 % of the seconds, with 95 % confidence (so after some 380 s), when that was the answer three times
//                  in a row and is at least 20 % away. A second in which gets failed counts for half as many buffers more than there were.
//   Pure           the caller says what was counted, and what time it is.

#include <chrono>
#include <cstdint>
#include <optional>

#include "poolscope/sizing_policy.h"

namespace poolscope::host {

enum class Sizing { kFixed, kOverflowBand, kQuantile };

class PoolSizing {
 public:
  using Time = std::chrono::steady_clock::time_point;

  PoolSizing(Sizing policy, std::uint32_t min_buffers, std::uint32_t max_buffers);

  // Buffers that were out at some time since the last call.
  void note_used(std::uint32_t used) { used_ = used > used_ ? used : used_; }
  // Once a second. `gets`, failed ones included, and `failed_gets` only rise. nullopt: as many as now. A pool of 0 buffers was closed by
  // somebody and stays so.
  [[nodiscard]] std::optional<std::uint32_t> suggest(std::uint32_t buffers, std::uint64_t gets,
                                                     std::uint64_t failed_gets, Time now);

 private:
  std::optional<std::uint64_t> by_band(std::uint32_t buffers, std::uint64_t gets, std::uint64_t failed_gets, Time now);
  std::optional<std::uint64_t> by_quantile(std::uint32_t buffers, std::uint64_t failed_gets);
  void age();

  Sizing policy_;
  OverflowBand band_;
  NeededQuantile quantile_;
  std::uint32_t used_ = 0;  // since the last decision of the band, since the last second for the quantile
  std::uint64_t gets_seen_ = 0, failed_seen_ = 0;
  std::optional<Time> band_due_;
  ps_histogram needed_{};  // buffers, one value a second, since the last change
  std::uint64_t seconds_ = 0;
  std::optional<std::uint64_t> answer_;
  unsigned times_ = 0;  // that it was the answer
};

}  // namespace poolscope::host
