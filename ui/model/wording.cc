#include "ui/model/wording.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "exporters/text/format.h"
#include "exporters/text/report.h"

namespace poolscope::viewer {
namespace {

constexpr double kLargestExact = 9e18;  // fits 64 bits

// Six digits, or all of a whole number.
std::string digits_of(double value) {
  if (!std::isfinite(value)) return "?";
  const double size = std::abs(value);
  if (size >= 1e5 && size < kLargestExact)
    return (value < 0 ? "-" : "") + text::format_exact(static_cast<std::uint64_t>(std::llround(size)));
  std::array<char, 64> digits;
  return {digits.data(),
          std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::general, 6).ptr};
}

}  // namespace

std::string short_text(double value, Unit unit) {
  switch (unit) {
    case Unit::kBytes:
      return text::format_bytes(value);
    case Unit::kSeconds:
      return text::format_seconds(value);
    case Unit::kRatio:
      return text::format_ratio(value);
    case Unit::kCount:
      break;
  }
  return text::format_count(value);
}

std::string exact_text(double value, Unit unit) {
  switch (unit) {
    case Unit::kBytes:
      return digits_of(value) + " B";
    case Unit::kSeconds:
      return digits_of(value) + " s";
    case Unit::kRatio:
      return digits_of(value * 100) + " %";
    case Unit::kCount:
      break;
  }
  return digits_of(value);
}

std::string exact_text(const model::Estimate& estimate, Unit unit, const std::string& per) {
  std::string text = exact_text(estimate.value, unit) + per;
  if (!estimate.low || !estimate.high) return text;
  return text + ", 95 % interval " + exact_text(*estimate.low, unit) + per + " – " + exact_text(*estimate.high, unit) +
         per;
}

Cell cell_of(const model::MaybeEstimate& estimate, Unit unit, const std::string& per, const std::string& absent) {
  if (!estimate) return {"–", absent, {}, Tone::kDim};
  return {short_text(estimate->value, unit) + per, exact_text(*estimate, unit, per), estimate->value, Tone::kPlain};
}

Cell cell_of(std::optional<double> value, Unit unit, const std::string& per, const std::string& absent) {
  return cell_of(as_estimate(value), unit, per, absent);
}

model::MaybeEstimate as_estimate(const std::optional<double>& value) {
  if (!value) return std::nullopt;
  return model::Estimate{*value, {}, {}};
}

std::optional<double> value_of(const model::MaybeEstimate& estimate) {
  return estimate ? std::optional(estimate->value) : std::nullopt;
}

}  // namespace poolscope::viewer
