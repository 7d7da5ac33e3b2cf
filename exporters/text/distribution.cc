#include "exporters/text/distribution.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "exporters/text/report.h"

namespace poolscope::text {
namespace {

using Rows = std::vector<DistributionRow>;

void merge_thinner_end(Rows& rows) {
  while (rows.size() > kMaxDistributionRows) {
    if (rows.front().share < rows.back().share) {
      rows[1].share += rows.front().share;
      rows[1].lower = rows.front().lower;
      rows.erase(rows.begin());
    } else {
      rows[rows.size() - 2].share += rows.back().share;
      rows[rows.size() - 2].upper = rows.back().upper;
      rows.pop_back();
    }
  }
}

// Rows for the classes from the first to the last with weight; `bound(k)` is the lower bound of class k.
template <typename Bound>
Rows rows_of(const std::map<int, double>& weights, double total, Bound bound) {
  Rows rows;
  if (weights.empty() || !(total > 0)) return rows;
  for (int k = weights.begin()->first; k <= weights.rbegin()->first; ++k) {
    const auto found = weights.find(k);
    rows.push_back({bound(k), bound(k + 1), found == weights.end() ? 0 : found->second / total});
  }
  return rows;
}

bool has_weight(double weight) {
  return std::isfinite(weight) && weight > 0;
}

// "64 – 128 B": a unit that both ends share is said once.
std::string range_label(const std::string& lower, const std::string& upper) {
  const auto unit = lower.find(' ');
  if (unit != std::string::npos && upper.ends_with(lower.substr(unit))) return lower.substr(0, unit) + " – " + upper;
  return lower + " – " + upper;
}

}  // namespace

Rows size_rows(const model::BucketList& buckets) {
  std::map<int, double> weights;  // by the number of bits of the size
  double total = 0;
  for (const auto& [bytes, weight] : buckets) {
    if (!has_weight(weight)) continue;
    weights[std::bit_width(bytes)] += weight;
    total += weight;
  }
  Rows rows = rows_of(weights, total, [](int bits) { return bits == 0 ? 0.0 : std::ldexp(1.0, bits - 1); });
  merge_thinner_end(rows);
  return rows;
}

model::BucketList gc_size_buckets(const model::GcSummary& gc) {
  model::BucketList buckets;
  for (const auto& [class_bytes, objects] : gc.allocated_by_size_class) {
    // one byte less: the class of 16 bytes belongs to "8 – 16 B", not to the row that begins at 16
    buckets.emplace_back(class_bytes > 0 ? class_bytes - 1 : 0, static_cast<double>(objects));
  }
  return buckets;
}

Rows lifetime_rows(const model::LifetimeSummary& lifetime) {
  constexpr int kShortest = -9;   // a nanosecond is the finest age there is
  std::map<int, double> weights;  // by the power of ten that is not reached
  double died = 0;
  for (const auto& [age_seconds, share] : lifetime.buckets) {
    if (!has_weight(share) || !std::isfinite(age_seconds)) continue;
    const double age = std::min(age_seconds, lifetime.identified_below_seconds);
    const int power = age > 0 ? static_cast<int>(std::ceil(std::log10(age) - 1e-9)) : kShortest;
    weights[std::clamp(power, kShortest, 9)] += share;
    died += share;
  }
  Rows rows = rows_of(weights, 1.0, [](int power) { return power <= kShortest ? 0.0 : std::pow(10.0, power - 1); });
  if (rows.empty()) return rows;
  const double end = lifetime.identified_below_seconds;
  if (end > rows.back().lower && end < rows.back().upper) rows.back().upper = end;
  if (died < 1) rows.push_back({rows.back().upper, std::numeric_limits<double>::infinity(), 1 - died});
  merge_thinner_end(rows);
  return rows;
}

std::string size_label(const DistributionRow& row) {
  if (row.upper <= 1) return "0 B";
  return range_label(format_bytes(row.lower), format_bytes(row.upper));
}

std::string lifetime_label(const DistributionRow& row) {
  if (!std::isfinite(row.upper)) return "over " + format_seconds(row.lower);
  if (row.lower <= 0) return "under " + format_seconds(row.upper);
  return range_label(format_seconds(row.lower), format_seconds(row.upper));
}

}  // namespace poolscope::text
