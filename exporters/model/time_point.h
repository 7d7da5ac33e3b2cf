#pragma once
// A time as people and URLs write it: seconds since the epoch ("1763690000", "1763690000.5"), or before the end of what there is ("-90s", "-5m").

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "poolscope/result.h"

namespace poolscope::model {

struct TimePoint {
  bool before_end = false;
  std::uint64_t ns = 0;  // since the epoch, or before the end

  // `end_unix_ns`: what "the end" is. 0 when it lies before the epoch.
  [[nodiscard]] std::uint64_t unix_ns(std::uint64_t end_unix_ns) const;
  bool operator==(const TimePoint&) const = default;
};

// Units ms, s, m, h, d. The error says what would be right.
[[nodiscard]] Result<TimePoint, std::string> parse_time_point(std::string_view text);

// Both may be open.
struct TimeSpan {
  std::optional<TimePoint> from, to;
  [[nodiscard]] bool is_open() const { return !from && !to; }
};

}  // namespace poolscope::model
