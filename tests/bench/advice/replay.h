#pragma once
// What a setting costs on a trace, played use by use with prices; shares no code with what advises but the prices. And what others would set.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pools/sizing/prices.h"
#include "tests/bench/advice/traces.h"

namespace poolscope::bench {

struct Part {
  std::size_t from = 0, to = 0;
};
template <typename T>
[[nodiscard]] Part first_half(const std::vector<T>& all) {
  return {0, all.size() / 2};
}
template <typename T>
[[nodiscard]] Part second_half(const std::vector<T>& all) {
  return {all.size() / 2, all.size()};
}

// Nanoseconds in `part`. A buffer of `capacity` bytes that needs more doubles until it fits.
[[nodiscard]] double cost_of_capacity(const SizeTrace& trace, Part part, std::uint64_t capacity,
                                      const sizing::Prices& prices);
// Nanoseconds in `part`, with at most `cap` idle; the events before it are played, too, without counting.
[[nodiscard]] double cost_of_cap(const PoolTrace& trace, Part part, std::uint64_t cap, const sizing::Prices& prices);
// The same without a pool.
[[nodiscard]] double cost_without_pool(const PoolTrace& trace, Part part, const sizing::Prices& prices);

// The best setting for `part`, known afterwards.
[[nodiscard]] std::uint64_t oracle_capacity(const SizeTrace& trace, Part part, const sizing::Prices& prices);
[[nodiscard]] std::uint64_t oracle_cap(const PoolTrace& trace, Part part, const sizing::Prices& prices);

// What poolscope advises from `part`; `otherwise` when it says keep.
[[nodiscard]] std::uint64_t advised_capacity(const SizeTrace& trace, Part part, const sizing::Prices& prices,
                                             std::uint64_t otherwise);
// `prices` are those of warm blocks, as an agent measures them; `pages`: what its target's page faults tell.
enum class Pages { kWarm, kFresh };
[[nodiscard]] std::uint64_t advised_cap(const PoolTrace& trace, Part part, const sizing::Prices& prices, Pages pages,
                                        std::uint64_t otherwise);
// Whether it says from `part` that a pool is worth it.
[[nodiscard]] bool says_worth_it(const PoolTrace& trace, Part part, const sizing::Prices& prices);

// Name of a rule and what it sets after `part`.
using Rules = std::vector<std::pair<std::string, std::uint64_t>>;
[[nodiscard]] Rules capacity_rules(const SizeTrace& trace, Part part);
[[nodiscard]] Rules cap_rules(const PoolTrace& trace, Part part);

}  // namespace poolscope::bench
