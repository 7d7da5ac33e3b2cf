#pragma once
// Rates and shares from counters that only grow. Some are told in pieces of ten seconds, whenever they are looked at: so what was counted is
// spread over the time since the counter moved last, and nothing looks like a standstill that is none.
//   Anew      a counter that has become smaller began again: a hole.
//   Threads   pure functions.

#include "ui/model/series.h"

namespace poolscope::viewer {

// Per second. The end of a series in which nothing is counted is 0.
[[nodiscard]] Series rate_of_counter(const Series& totals);
// What was added to `part` for each that was added to `whole`; nothing where `whole` stands still.
[[nodiscard]] Series ratio_of_counters(const Series& part, const Series& whole);

// `estimated` until `counted` begins, then that.
[[nodiscard]] Series joined(Series estimated, const Series& counted);

}  // namespace poolscope::viewer
