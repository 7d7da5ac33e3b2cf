#pragma once
// Tables of pools for a terminal. Empty when there are none.

#include <vector>

#include "exporters/model/snapshot.h"
#include "exporters/text/line.h"

namespace poolscope::text {

// Two lines per pool, name and numbers, and below them why a cell is empty and what is remarkable.
[[nodiscard]] Lines pool_table(const model::TargetSnapshot& target, unsigned width, std::size_t max_pools);
// One line per pool, for `top`: at most `max_per_target` of each target, at most `max_lines` lines with the header.
[[nodiscard]] Lines short_pool_table(const std::vector<const model::TargetSnapshot*>& targets, unsigned width,
                                     std::size_t max_per_target, std::size_t max_lines);

}  // namespace poolscope::text
