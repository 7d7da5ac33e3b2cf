#pragma once
// Metric: what is measured, in which unit, and whether more of it is better. The names are those of the source; times are in seconds.

#include <string>
#include <string_view>

namespace poolscope::compare {

enum class Unit { kCount, kCountPerSecond, kSeconds, kBytes, kBytesPerSecond, kRatio };
enum class Direction { kUnknown, kLower, kHigher };  // which is better

struct Metric {
  std::string name;  // "sec/op", "B/op", "real_time", "hit_ratio"
  Unit unit = Unit::kCount;
  Direction better = Direction::kUnknown;
  bool operator==(const Metric&) const = default;
};

[[nodiscard]] const char* direction_name(Direction direction);

// What a name says of its unit. Rates ("B/s", "items_per_second") and hits are better when higher; times, bytes, counts per operation and
// misses when lower; of others it is not known.
[[nodiscard]] Metric metric_named(std::string_view name);

// As reports write it: "1.72 µs", "4 KiB", "12 KiB/s", "99.1 %".
[[nodiscard]] std::string format_value(Unit unit, double value);
// "+3.1 %", "-17.2 %", "0 %".
[[nodiscard]] std::string format_change(double ratio);

}  // namespace poolscope::compare
