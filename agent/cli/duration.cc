#include "agent/cli/duration.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace poolscope::cli {
namespace {

using std::chrono::nanoseconds;

constexpr double kLongestNs = 1000.0 * 3600 * 1e9;

struct Unit {
  std::string_view name;
  double ns;
};
constexpr std::array<Unit, 6> kUnits = {{{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};

const Unit* find_unit(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

Failure<std::string> not_a_duration(std::string_view text) {
  return Failure{"`" + std::string(text) + "` is not a duration; write it with a unit, such as 500ms, 12s or 2m"};
}

std::string two_units(std::int64_t amount, std::int64_t base, const char* large, const char* small) {
  const std::string rest = amount % base == 0 ? "" : " " + std::to_string(amount % base) + " " + small;
  return std::to_string(amount / base) + " " + large + rest;
}

}  // namespace

Result<nanoseconds, std::string> parse_duration(std::string_view text) {
  double total_ns = 0;
  std::string_view rest = text;
  do {
    double number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(number) || std::signbit(number)) return not_a_duration(text);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const std::string_view name = rest.substr(0, rest.find_first_of("0123456789."));
    const Unit* unit = find_unit(name);
    if (unit == nullptr) return not_a_duration(text);
    total_ns += number * unit->ns;
    rest.remove_prefix(name.size());
  } while (!rest.empty());
  if (total_ns > kLongestNs) return Failure{"`" + std::string(text) + "` is longer than 1000 hours"};
  return nanoseconds(std::llround(total_ns));
}

std::string format_duration(nanoseconds duration) {
  const auto whole = [&](auto unit) {
    return static_cast<std::int64_t>(std::chrono::round<decltype(unit)>(duration).count());
  };
  if (duration < std::chrono::microseconds(1)) return std::to_string(duration.count()) + " ns";
  if (duration < std::chrono::milliseconds(1)) return std::to_string(whole(std::chrono::microseconds())) + " µs";
  if (duration < std::chrono::seconds(1)) return std::to_string(whole(std::chrono::milliseconds())) + " ms";
  const std::int64_t seconds = whole(std::chrono::seconds());
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return two_units(seconds, 60, "min", "s");
  return two_units(whole(std::chrono::minutes()), 60, "h", "min");
}

CLI::Option* add_duration_option(CLI::App& app, const std::string& name, nanoseconds& value, nanoseconds shortest,
                                 const std::string& description) {
  const auto read = [&value, shortest](const std::string& text) {
    const auto parsed = parse_duration(text);
    if (!parsed) throw CLI::ValidationError(parsed.error());
    if (*parsed < shortest) throw CLI::ValidationError("must be at least " + format_duration(shortest));
    value = *parsed;
  };
  return app.add_option_function<std::string>(name, read, description)->type_name("DURATION");
}

}  // namespace poolscope::cli
