#pragma once
// What a pool would do with other limits: the same functions that advise, with values somebody chose.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "exporters/model/snapshot.h"
#include "pools/sizing/prices.h"
#include "poolscope/result.h"

namespace poolscope::advice {

struct Limits {
  std::optional<std::uint64_t> buffer_bytes, max_idle_buffers;
  std::optional<std::uint64_t> max_borrowed_buffers;  // of hosted pools
};

// "buffer_bytes=64K,max_idle_buffers=48". The error names the key or the number.
[[nodiscard]] Result<Limits, std::string> parse_limits(std::string_view text);

struct WhatIf {
  Limits limits;
  std::optional<double> hit_ratio_low, hit_ratio_high;  // with max_idle_buffers or max_borrowed_buffers
  std::optional<double> growing_ratio;   // gets that end with a buffer that had to grow, with buffer_bytes
  std::optional<double> idle_bytes;      // at most
  model::MaybeEstimate saved_cpu_ratio;  // against what is configured now; negative: it costs
  std::string missing;                   // why some of these are absent; empty: none is
};

[[nodiscard]] WhatIf what_if(const model::TargetSnapshot& target, const model::PoolSummary& pool,
                             const sizing::Prices& prices, const Limits& limits);

}  // namespace poolscope::advice
