#pragma once
// Streams of a made-up service with loads as adversaries of sampling choose them. A request makes some calls of the allocator one
// after the other; most objects die before it ends, some live for milliseconds, a few for seconds.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/truth/event_stream.h"

namespace poolscope::truth {

enum class Load {
  kSaturated,  // one request after the other
  kSteady,     // requests come at random at one rate
  kBursty,     // crowds of requests about five times a second
  kPeriodic,   // in the first quarter of each period, which is that of the strata
  kSwitching   // regimes of a second or two that differ fivefold in rate, and in sizes and lifetimes
};

struct MadeStream {
  Load load = Load::kSteady;
  double seconds = 24;
  double requests_per_second = 1000;  // mean; of kSaturated what it comes to
  double period_seconds = 0.4;
  bool has_io_calls = false;  // a read and a write per request
  std::uint64_t seed = 1;
};
[[nodiscard]] const char* name_of(Load load);

// Begins at 0; goes on for a tenth of a second after `seconds`, so that lives are followed.
[[nodiscard]] EventStream make_stream(const MadeStream& what);

}  // namespace poolscope::truth
