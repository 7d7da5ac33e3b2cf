#include "agent/compare/unit.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "agent/compare/measurements.h"
#include "exporters/text/report.h"

namespace poolscope::compare {
namespace {

bool holds_any(std::string_view name, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return name.ends_with(word); });
}

bool is_rate(std::string_view name) {
  return ends_with_any(name, {"/s", "/sec", "_per_second"});
}

// Without what it is divided by.
std::string_view dividend(std::string_view name) {
  return name.substr(0, std::min(name.find('/'), name.find("_per_")));
}

Unit unit_of(std::string_view name) {
  const std::string_view what = dividend(name);
  const bool bytes = what == "B" || ends_with_any(what, {"-B", "-bytes", "_bytes", "bytes"});
  if (is_rate(name)) return bytes ? Unit::kBytesPerSecond : Unit::kCountPerSecond;
  if (bytes) return Unit::kBytes;
  if (what == "sec" || ends_with_any(what, {"-sec", "_seconds"})) return Unit::kSeconds;
  if (name == "real_time" || name == "cpu_time") return Unit::kSeconds;
  return ends_with_any(name, {"_ratio"}) ? Unit::kRatio : Unit::kCount;
}

Direction direction_of(std::string_view name, Unit unit) {
  if (holds_any(name, {"miss", "discard", "evict"})) return Direction::kLower;
  if (holds_any(name, {"hit"}) || is_rate(name)) return Direction::kHigher;
  if (unit == Unit::kSeconds || unit == Unit::kBytes || name.find("/op") != std::string_view::npos)
    return Direction::kLower;
  return Direction::kUnknown;
}

}  // namespace

const char* kind_name(SourceKind kind) {
  static constexpr std::array<const char*, 4> kNames = {"go test -bench", "Google Benchmark", "recording", "report"};
  return kNames[static_cast<std::size_t>(kind)];
}

const char* direction_name(Direction direction) {
  static constexpr std::array<const char*, 3> kNames = {"unknown", "lower", "higher"};
  return kNames[static_cast<std::size_t>(direction)];
}

Metric metric_named(std::string_view name) {
  const Unit unit = unit_of(name);
  return {std::string(name), unit, direction_of(name, unit)};
}

std::string format_value(Unit unit, double value) {
  switch (unit) {
    case Unit::kSeconds:
      return text::format_seconds(value);
    case Unit::kBytes:
      return text::format_bytes(value);
    case Unit::kBytesPerSecond:
      return text::format_bytes(value) + "/s";
    case Unit::kCountPerSecond:
      return text::format_count(value) + "/s";
    case Unit::kRatio:
      return text::format_ratio(value);
    case Unit::kCount:
      return text::format_count(value);
  }
  return {};
}

std::string format_change(double ratio) {
  const double change = ratio - 1;
  if (std::fabs(change) < 0.5e-5) return "0 %";
  return (change > 0 ? "+" : "") + text::format_ratio(change);
}

}  // namespace poolscope::compare
