#pragma once
// Traces on which advice is tried: uses of buffers, and gets and puts of pools; from recordings of real programs (tests/truth) and made up
// with a fixed seed.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/truth/event_stream.h"

namespace poolscope::bench {

// What each use of a buffer needed, in order.
struct SizeTrace {
  std::string name;
  std::vector<std::uint64_t> needed_bytes;
  double hold_seconds = 0, idle_seconds = 0;  // means
};

struct PoolEvent {
  std::uint64_t time_ns = 0;
  bool is_get = false;
};
// Gets and puts of one pool, in order; every put is of an object that was got before.
struct PoolTrace {
  std::string name;
  std::uint64_t buffer_bytes = 0;
  std::vector<PoolEvent> events;
};

[[nodiscard]] std::vector<SizeTrace> made_size_traces();
[[nodiscard]] std::vector<PoolTrace> made_pool_traces();
// Loads for which no pool pays: objects that are cheaper to make than to pool, and gets that find nothing because nothing comes back in time.
[[nodiscard]] std::vector<PoolTrace> hopeless_traces(unsigned count);

// Buffers that a program let grow, with what they came to.
[[nodiscard]] SizeTrace size_trace(const std::string& name, const truth::EventStream& stream);
// A pool for each of the size classes that are allocated most often and also freed: at most `most`.
[[nodiscard]] std::vector<PoolTrace> pool_traces(const std::string& name, const truth::EventStream& stream,
                                                 unsigned most);

}  // namespace poolscope::bench
