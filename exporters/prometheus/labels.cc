#include "exporters/prometheus/labels.h"

#include <algorithm>
#include <array>

namespace poolscope::prometheus_text {
namespace {

constexpr std::array<std::string_view, 21> kReserved = {
    "allocator", "collector", "direction", "element",    "kind",   "le",       "level",
    "library",   "outcome",   "part",      "percentile", "pool",   "quantile", "reason",
    "runtime",   "seconds",   "series",    "state",      "target", "verdict",  "version"};
static_assert(std::ranges::is_sorted(kReserved));

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_letter_or_digit(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
}

}  // namespace

bool is_valid_label_name(std::string_view name) {
  return !name.empty() && is_letter(name.front()) && !name.starts_with("__") &&
         std::ranges::all_of(name, is_letter_or_digit);
}

std::span<const std::string_view> reserved_label_names() {
  return kReserved;
}

bool is_reserved_label_name(std::string_view name) {
  return std::ranges::binary_search(kReserved, name);
}

}  // namespace poolscope::prometheus_text
