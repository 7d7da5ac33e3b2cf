#pragma once
// Distributions as a handful of rows, for the bars of the report: sizes by powers of two, lifetimes by powers of ten.

#include <limits>
#include <string>
#include <vector>

#include "exporters/model/snapshot.h"

namespace poolscope::text {

struct DistributionRow {
  double lower = 0;  // inclusive
  double upper = 0;  // exclusive; infinite for "longer than that"
  double share = 0;  // 0..1
};

inline constexpr std::size_t kMaxDistributionRows = 10;

// Neighbouring rows without gaps, ascending, at most kMaxDistributionRows (the thinner end is merged). Empty when there
// are no buckets with weight.
[[nodiscard]] std::vector<DistributionRow> size_rows(const model::BucketList& buckets);
// The objects of a garbage collected heap, for size_rows(): a size class holds what is larger than the class below it.
[[nodiscard]] model::BucketList gc_size_buckets(const model::GcSummary& gc);
// The last row holds the objects that lived longer than they were followed.
[[nodiscard]] std::vector<DistributionRow> lifetime_rows(const model::LifetimeSummary& lifetime);

// "64 – 128 B", "512 B – 1 KiB", "10 – 50 ms", "over 50 ms".
[[nodiscard]] std::string size_label(const DistributionRow& row);
[[nodiscard]] std::string lifetime_label(const DistributionRow& row);

}  // namespace poolscope::text
