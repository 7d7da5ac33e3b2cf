#include "probes/collectors/near_names.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

namespace poolscope::probes {
namespace {

constexpr std::size_t kLongestCompared = 64;   // bounds the table of the comparison
constexpr std::size_t kShortestContained = 4;  // shorter names are part of too many others

// Letters to insert, delete or replace.
std::size_t typing_errors(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

// How far `candidate` is from `name`, 0 the nearest; nothing when it is something else.
std::optional<std::size_t> distance(std::string_view name, std::string_view candidate) {
  const bool is_clone = candidate.starts_with(name) && candidate.size() > name.size() && candidate[name.size()] == '.';
  if (is_clone) return 0;
  const std::size_t limit = std::max<std::size_t>(1, name.size() / 5);
  const std::size_t longer = std::max(name.size(), candidate.size());
  if (longer <= kLongestCompared && longer - std::min(name.size(), candidate.size()) <= limit) {
    if (const std::size_t errors = typing_errors(name, candidate); errors <= limit) return errors;
  }
  const bool holds_it = name.size() >= kShortestContained && candidate.find(name) != std::string_view::npos;
  if (holds_it) return limit + candidate.size() - name.size();
  return std::nullopt;
}

std::string readable(const std::string& symbol) {
  const std::string demangled = elf::demangle(symbol);
  return demangled == symbol ? symbol : symbol + " (" + demangled + ")";
}

}  // namespace

std::vector<std::string> near_names(const elf::ElfFile& file, std::string_view name, std::size_t limit) {
  std::set<std::pair<std::size_t, std::string>> near;  // by distance; only the `limit` nearest are kept
  for (const elf::Symbol& symbol : file.functions()) {
    const auto far = distance(name, symbol.name);
    if (!far) continue;
    near.emplace(*far, symbol.name);
    if (near.size() > limit) near.erase(std::prev(near.end()));
  }
  std::vector<std::string> names;
  names.reserve(near.size());
  for (const auto& [far, symbol] : near) names.push_back(readable(symbol));
  return names;
}

}  // namespace poolscope::probes
