// The short numbers of report.h. std::to_chars throughout: the text must not depend on the locale of the process.
#include "exporters/text/format.h"

#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "exporters/text/report.h"

namespace poolscope::text {
namespace {

struct Unit {
  double size;
  const char* name;  // with a blank in front
};

std::string fixed(double value, int decimals) {
  std::array<char, 400> text;  // the largest double has 309 digits
  std::string digits(
      text.data(),
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, decimals).ptr);
  if (digits.find('.') == std::string::npos) return digits;
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

// `value` >= 0 with about three digits: "0.046", "4.63", "46.3", "463", "4630".
std::string short_number(double value, int small_digits = 3) {
  if (value >= 99.95) return fixed(value, 0);
  if (value >= 9.995) return fixed(value, 1);
  if (value >= 0.9995) return fixed(value, 2);
  std::array<char, 64> text;
  return {text.data(),
          std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, small_digits).ptr};
}

// In the largest unit that leaves at least 1 after rounding: 999.6 is "1 k", not "1000".
std::string in_units(double value, std::span<const Unit> units) {
  if (!std::isfinite(value)) return "?";
  const std::string sign = value < 0 ? "-" : "";
  value = std::fabs(value);
  std::size_t chosen = 0;
  while (chosen + 1 < units.size()) {
    const double step = units[chosen + 1].size / units[chosen].size;
    if (value / units[chosen].size < step - 0.5) break;
    ++chosen;
  }
  return sign + short_number(value / units[chosen].size) + units[chosen].name;
}

}  // namespace

std::string format_count(double count) {
  static constexpr Unit kUnits[] = {{1, ""},      {1e3, " k"},  {1e6, " M"}, {1e9, " G"},
                                    {1e12, " T"}, {1e15, " P"}, {1e18, " E"}};
  return in_units(count, kUnits);
}

std::string format_bytes(double bytes) {
  static constexpr Unit kUnits[] = {{1, " B"},        {0x1p10, " KiB"}, {0x1p20, " MiB"}, {0x1p30, " GiB"},
                                    {0x1p40, " TiB"}, {0x1p50, " PiB"}, {0x1p60, " EiB"}};
  return in_units(bytes, kUnits);
}

std::string format_seconds(double seconds) {
  static constexpr Unit kShort[] = {{1e-9, " ns"}, {1e-6, " µs"}, {1e-3, " ms"}, {1, " s"}};
  static constexpr Unit kLong[] = {{60, " min"}, {3600, " h"}, {86400, " d"}};
  if (std::isfinite(seconds) && std::fabs(seconds) >= 119.5) return in_units(seconds, kLong);
  return in_units(seconds, kShort);
}

std::string format_ratio(double ratio) {
  if (!std::isfinite(ratio)) return "?";
  const double percent = std::fabs(ratio) * 100;
  if (percent > 0 && percent < 0.001) return "< 0.001 %";
  return (ratio < 0 ? "-" : "") + short_number(percent, 2) + " %";
}

std::string format_exact(std::uint64_t count) {
  const std::string digits = std::to_string(count);
  std::string grouped;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) grouped += ' ';
    grouped += digits[i];
  }
  return grouped;
}

}  // namespace poolscope::text
