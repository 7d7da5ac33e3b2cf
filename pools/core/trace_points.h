#pragma once
// USDT probes of libpoolscope, provider `poolscope`, for bpftrace, perf and other tracers. On slow paths alone; each is one no-op
// instruction while nobody looks, and names and numbers are in registers or on the stack then anyway.
//   miss(name, reason)                  a get that the pool could not serve from what was idle; reason: enum ps_miss
//   discard(name, reason)               an object was destroyed, or a put refused; reason: enum ps_discard
//   resize(name, option, before, after) a limit or size was changed while the pool runs; `option` as in pool_options.h
// name and option: C strings, const char*. Numbers have 64 bits, and all ones for "no limit".

#include <cstdint>

#include <sys/sdt.h>

#include "poolscope/stats_page.h"

namespace poolscope::detail {

inline void trace_miss(const char* name, ps_miss reason) noexcept {
  DTRACE_PROBE2(poolscope, miss, name, static_cast<std::uint64_t>(reason));
}
inline void trace_discard(const char* name, ps_discard reason) noexcept {
  DTRACE_PROBE2(poolscope, discard, name, static_cast<std::uint64_t>(reason));
}
inline void trace_resize(const char* name, const char* option, std::uint64_t before, std::uint64_t after) noexcept {
  DTRACE_PROBE4(poolscope, resize, name, option, before, after);
}

}  // namespace poolscope::detail
