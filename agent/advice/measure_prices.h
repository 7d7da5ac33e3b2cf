#pragma once
// measure_prices(): what allocating, copying and pooling cost here, found out by doing it, in some 20 ms of the caller's CPU time. With the
// malloc of this process, whatever allocator a target has: 4 KiB take jemalloc 0.4 and tcmalloc 0.3 of the time of glibc, so what a pool
// saves these is told too large by that. Memory keeps its default price: it cannot be measured.

#include "pools/sizing/prices.h"

namespace poolscope::advice {

[[nodiscard]] sizing::Prices measure_prices();

}  // namespace poolscope::advice
