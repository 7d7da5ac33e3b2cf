#pragma once
// What the reports say of a pool in words, the same in text, markdown and on the status page. Strings are printable() already.

#include <string>
#include <vector>

#include "exporters/model/snapshot.h"

namespace poolscope::text {

// Most gets per second first; what has no rate last.
[[nodiscard]] std::vector<const model::PoolSummary*> sorted_pools(const model::TargetSnapshot& target);

// "*bytes.Buffer, library": type of the objects, and whose pool it is when it is not the program's own.
[[nodiscard]] std::string pool_label(const model::PoolSummary& pool);
// "69 %", and "(67.2 – 70.8)" or nothing.
[[nodiscard]] std::string hit_ratio_text(const model::PoolSummary& pool);
[[nodiscard]] std::string hit_ratio_interval(const model::PoolSummary& pool);
// "1.12 / 4.5 KiB": p50 and p95.
[[nodiscard]] std::string p50_and_p95(const std::optional<model::SizeSummary>& sizes);

// "lengths: reset before put"; empty when they are known, or when the pool does not publish them.
[[nodiscard]] std::string why_no_lengths(const model::PoolSummary& pool);

// What the table has no column for, and why cells of it are empty: "24 objects idle, 1.2 MiB; lengths: reset before put".
// Empty when there is nothing to say.
[[nodiscard]] std::string small_print(const model::PoolSummary& pool);
// "miss ratio with at most 4/16/64 idle: 12 % / 3 % / 0.4 %"; empty while that is not known. A sync.Pool has no such
// limit, so of one it says what a limit would do, unless that is nothing.
[[nodiscard]] std::string miss_curve_text(const model::PoolSummary& pool);
// What a reader should take away, to follow the name: "misses 31 % of its gets; ...". Empty for a pool that does its work,
// and while it is not sure: `exact` says that every event was traced, else the interval has to tell.
[[nodiscard]] std::string remarkable(const model::PoolSummary& pool, bool exact);

}  // namespace poolscope::text
