#include "pools/sizing/prices.h"

#include <algorithm>

namespace poolscope::sizing {

double Prices::allocation(std::uint64_t bytes) const {
  if (allocation_ns.empty()) return 0;
  const auto above = std::ranges::lower_bound(allocation_ns, bytes, {}, [](const auto& one) { return one.first; });
  if (above == allocation_ns.end()) return allocation_ns.back().second;
  if (above == allocation_ns.begin() || above->first == bytes) return above->second;
  const auto below = above - 1;
  const double part = static_cast<double>(bytes - below->first) / static_cast<double>(above->first - below->first);
  return below->second + part * (above->second - below->second);
}

Prices Prices::with_fresh_pages(double ratio, double each_ns) const {
  Prices fresh = *this;
  for (auto& [bytes, ns] : fresh.allocation_ns) ns += ratio * static_cast<double>(bytes / kPageBytes) * each_ns;
  return fresh;
}

}  // namespace poolscope::sizing
