#include "exporters/model/time_point.h"

#include <array>
#include <charconv>
#include <cmath>

namespace poolscope::model {
namespace {

constexpr double kLatestNs = 9e18;  // fits any 64 bits; the year 2255

struct Unit {
  std::string_view name;
  double ns;
};
constexpr std::array<Unit, 5> kUnits = {{{"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}}};

}  // namespace

std::uint64_t TimePoint::unix_ns(std::uint64_t end_unix_ns) const {
  if (!before_end) return ns;
  return ns < end_unix_ns ? end_unix_ns - ns : 0;
}

Result<TimePoint, std::string> parse_time_point(std::string_view text) {
  const Failure wrong{std::string(
      "must be seconds since the epoch, such as 1763690000, or a time before the end, such as -90s or -5m")};
  std::string_view rest = text;
  TimePoint point;
  point.before_end = rest.starts_with('-');
  if (point.before_end) rest.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || std::signbit(number)) return wrong;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  double unit_ns = point.before_end || !rest.empty() ? 0 : 1e9;
  for (const Unit& unit : kUnits) {
    if (point.before_end && rest == unit.name) unit_ns = unit.ns;
  }
  if (unit_ns == 0 || number * unit_ns > kLatestNs) return wrong;
  // whole seconds and the rest apart: a double has no nanoseconds of today
  const double whole = std::floor(number);
  point.ns = static_cast<std::uint64_t>(whole) * static_cast<std::uint64_t>(unit_ns) +
             static_cast<std::uint64_t>(std::llround((number - whole) * unit_ns));
  return point;
}

}  // namespace poolscope::model
