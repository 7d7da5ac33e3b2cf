#pragma once
// Tables of call sites and growth chains for a terminal. Empty when the target has none.

#include "exporters/model/snapshot.h"
#include "exporters/text/line.h"

namespace poolscope::text {

[[nodiscard]] Lines call_site_table(const model::TargetSnapshot& target, unsigned width, std::size_t max_sites);
// One line per site, for `top`.
[[nodiscard]] Lines short_call_site_table(const model::TargetSnapshot& target, unsigned width, std::size_t max_sites);
[[nodiscard]] Lines growth_chain_table(const model::TargetSnapshot& target, unsigned width, std::size_t max_chains);

}  // namespace poolscope::text
