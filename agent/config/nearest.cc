#include "agent/config/nearest.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace poolscope::config {
namespace {

constexpr std::size_t kLongestWord = 64;
using Row = std::array<std::size_t, kLongestWord + 1>;

// Optimal string alignment; both words have at most kLongestWord letters.
std::size_t typing_errors(std::string_view a, std::string_view b) {
  Row before_previous{}, previous{}, current{};
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({replace, previous[j] + 1, current[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before_previous[j - 2] + 1);
    }
    before_previous = previous;
    previous = current;
  }
  return previous[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t best_errors = 0;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    const std::size_t errors = typing_errors(word, candidate);
    if (errors > std::max<std::size_t>(1, candidate.size() / 3)) continue;
    if (best && errors >= best_errors) continue;
    best = candidate;
    best_errors = errors;
  }
  return best;
}

}  // namespace poolscope::config
