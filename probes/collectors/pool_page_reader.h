#pragma once
// Reading a stats page (poolscope/stats_page.h) of another program: bytes that it may change at any moment and fill with anything.
//   Trust     none: the header is copied before it is checked, every index is below its bound, texts end with their arrays, and loops
//             with kMaxPools and kMaxBlocks, however large the page says it is.
//   Moment    puts, misses and discards are read before gets, so that what is between them errs to "borrowed", and never beyond 0.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "exporters/model/pool_page_record.h"
#include "poolscope/result.h"
#include "poolscope/stats_page.h"

namespace poolscope::probes {

inline constexpr std::uint32_t kMaxPagePools = 4096;
inline constexpr std::uint32_t kMaxPageBlocks = 131072;

struct PageFault {
  enum class Reason { kNotReady, kNotSealed, kNotThisVersion, kDamaged, kNotPermitted, kSystem };
  Reason reason;
  std::string detail;  // for a person
};
// "not_sealed": the label of poolscope_collector_state.
[[nodiscard]] const char* reason_label(PageFault::Reason reason);

// One pool as it was read; live or ended.
struct PageSlot {
  std::uint32_t index = 0;
  ps_pool pool{};   // a copy; what the writer does not have is 0 and not in `known`
  ps_block sums{};  // over its blocks
};

struct PageReading {
  ps_stats_header header{};  // a copy, found right
  std::vector<PageSlot> slots;
};

// `page` starts at a multiple of 8.
[[nodiscard]] Result<PageReading, PageFault> read_page(std::span<const std::byte> page);

// What the pool counted since `before`, which is the same slot with the same sequence; since it began without one. A count that
// fell is no count: 0.
[[nodiscard]] model::PoolPageCounts counts_since(const PageSlot* before, const PageSlot& now);
// The pool at `now_ns`; nothing once it has ended.
[[nodiscard]] std::optional<model::PoolPageState> state_of(const PageSlot& slot, const ps_stats_header& header,
                                                           std::uint64_t now_ns);
[[nodiscard]] model::PoolIdentity identity_of(const PageSlot& slot);

}  // namespace poolscope::probes
