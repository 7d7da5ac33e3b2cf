// Any list of gets, puts and collections, in any order of time: the miss curve is that of a pool played for each cap, and what is said of
// objects adds up.
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "probes/collectors/pool_order.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/unit/pools/played_pool.h"

namespace {

using poolscope::probes::PoolOrder;
using poolscope::sizing::CapMisses;
using poolscope::sizing::kIdleCapCount;
using poolscope::sizing::kIdleCaps;
using poolscope::sizing::PlayedPool;

constexpr std::size_t kEventBytes = 4, kMaxBytes = 4096;
constexpr std::uint64_t kEndNs = 1u << 20;

pool_order_event event_of(const std::uint8_t* bytes, std::uint64_t time_ns) {
  pool_order_event event{};
  const unsigned kind = bytes[0] % 16;
  event.role = kind == 15 ? POOL_ROLE_CLEANUP : kind < 7 ? POOL_ROLE_GET : kind < 14 ? POOL_ROLE_PUT : POOL_ROLE_GROW;
  event.time_ns = time_ns + bytes[1];
  event.pool = bytes[2] & 1;
  event.object = bytes[2] >> 1 & 15;
  event.flags = static_cast<std::uint16_t>(bytes[2] >> 5 & 3);
  event.length_bytes = bytes[3] & 15;
  event.capacity_bytes = bytes[3] >> 4;
  return event;
}

CapMisses played(std::span<const pool_order_event> events, std::uint64_t pool, std::uint64_t cap) {
  PlayedPool played(cap);
  for (const auto& event : events) {
    if (event.pool != pool) continue;
    if (event.role == POOL_ROLE_PUT) played.put();
    if (event.role == POOL_ROLE_GET) played.get();
  }
  return played.misses();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMaxBytes) return 0;
  PoolOrder order;
  std::vector<pool_order_event> events;
  for (auto rest = std::span(data, size); rest.size() >= kEventBytes; rest = rest.subspan(kEventBytes)) {
    events.push_back(event_of(rest.data(), 16 * events.size()));
    order.add({&events.back(), 1});
    if (events.size() % 32 == 0 && events.back().time_ns > 512) order.advance(events.back().time_ns - 512);
  }
  FUZZ_CHECK(!order.is_broken());
  std::ranges::stable_sort(events, {}, &pool_order_event::time_ns);
  for (const auto& [id, sums] : order.finish(kEndNs)) {
    std::uint64_t gets = 0, puts = 0;
    for (const auto& event : events) {
      gets += event.pool == id.first && event.role == POOL_ROLE_GET ? 1 : 0;
      puts += event.pool == id.first && event.role == POOL_ROLE_PUT ? 1 : 0;
    }
    FUZZ_CHECK(sums.misses.gets == gets);
    for (std::size_t i = 0; i < kIdleCapCount; ++i) {
      FUZZ_CHECK(sums.misses.caps[i] == played(events, id.first, kIdleCaps[i]));
    }
    FUZZ_CHECK(sums.hold_ns.total() + static_cast<double>(sums.put_twice) <= static_cast<double>(puts));
    FUZZ_CHECK(sums.followed_ns.total() <= static_cast<double>(gets));
    FUZZ_CHECK(sums.out_ns.total() + sums.hold_ns.total() <= sums.followed_ns.total());
    FUZZ_CHECK(sums.used_after_put <= gets);
  }
  return 0;
}
