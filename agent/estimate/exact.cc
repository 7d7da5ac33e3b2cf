#include "agent/estimate/exact.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/estimate/rate.h"

namespace poolscope::estimate {

bool all_exact(std::span<const model::BurstRecord> records) {
  return !records.empty() && std::ranges::all_of(records, [](const model::BurstRecord& record) {
    return record.kind == model::BurstKind::kExact;
  });
}

bool all_exact(std::span<const model::PoolBurstRecord> records) {
  return !records.empty() && std::ranges::all_of(records, &model::PoolBurstRecord::exact);
}

std::uint64_t union_ns(std::span<const CountedWindow> windows) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> spans;
  spans.reserve(windows.size());
  for (const auto& counted : windows) {
    spans.emplace_back(counted.window.start_ns, counted.window.start_ns + counted.window.length_ns);
  }
  std::ranges::sort(spans);
  std::uint64_t covered_ns = 0, reached_ns = 0;
  for (const auto& [start_ns, end_ns] : spans) {
    if (end_ns <= reached_ns) continue;
    covered_ns += end_ns - std::max(start_ns, reached_ns);
    reached_ns = end_ns;
  }
  return covered_ns;
}

}  // namespace poolscope::estimate
