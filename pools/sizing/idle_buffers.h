#pragma once
// How many idle buffers a pool should keep: the cost of every cap that is known, from the share of gets that would miss with it.
//
//   Cost of a cap K per second: gets x misses(K) x miss_ns + idle(K) x buffer_bytes x price of holding (prices.h), where idle(K) is the
//           mean of min(idle, K) where the distribution of idle buffers is known, else K. That is too much for a cap below the one that they
//           were seen with: what is thrown away is missing later, too. Above that cap
//           each further one counts as idle all the time, up to `idle_without_cap`: nobody puts back more than were ever out at once.
//   Marginal value  of one more buffer: the misses that it turns into hits. Where it falls below the price of its memory, more do not pay.
//   Bracket what was idle at the beginning of the observation may not be known: then misses(K) lies in [low, high]. The choice goes by the
//           middle, a saving is told from the worst to the best case.
//   Checks  Erlang's loss formula (1917) knows only the rate and the mean hold time: the number of buffers in use at once that suffices if
//           gets came at random. Bursty gets need more; a measured curve wins over it.
//   Threads pure functions.

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "pools/sizing/capacity.h"
#include "pools/sizing/prices.h"

namespace poolscope::sizing {

struct MissesAt {
  std::uint64_t idle_buffers = 0;
  double low = 0, high = 0;  // share of the gets
};

struct IdleUse {
  std::vector<MissesAt> misses;  // ascending by idle_buffers; low and high do not rise
  Shares idle;                   // distribution of the idle buffers; empty: not known
  std::uint64_t idle_cap =
      0;  // cap of the pool they were seen in; a larger one would fill up. 0: it had none, or never reached it
  std::optional<double> idle_without_cap;  // the most that were out at a time, less those that are out on average
  double gets_per_second = 0;
  double miss_ns = 0;  // what a miss costs more than a hit
  std::uint64_t buffer_bytes = 0;
};

struct IdleCost {
  std::uint64_t idle_buffers = 0;
  double ns_per_second = 0;
  double miss_ratio = 0;
};

inline constexpr double kFlatIdleRatio = 0.005;

struct IdleChoice {
  std::vector<IdleCost> candidates;
  std::uint64_t best_buffers = 0;  // the fewest within kFlatIdleRatio of the cheapest
  // The fewest with which so many of the hits that the largest cap has are hits: 95 %, 99 %, 99.9 %.
  std::uint64_t for_95 = 0, for_99 = 0, for_999 = 0;
};

// Misses of a cap. One that is not known lies between its neighbours; below the smallest all gets may miss.
[[nodiscard]] MissesAt misses_at(const std::vector<MissesAt>& curve, std::uint64_t idle_buffers);

// nullopt: no curve.
[[nodiscard]] std::optional<IdleChoice> choose_idle_buffers(const IdleUse& use, const Prices& prices);

[[nodiscard]] IdleCost cost_of_idle_buffers(const IdleUse& use, const Prices& prices, std::uint64_t idle_buffers);

// Nanoseconds per second that `better` saves over `current`.
[[nodiscard]] Interval idle_saving(const IdleUse& use, const Prices& prices, std::uint64_t current,
                                   std::uint64_t better);

// From the depth right after each put of a pool that had no cap or never reached it: a pool of cap K lies never higher, so it throws away
// at most the puts that lay above K, and each of them makes at most one get miss. `low` is what misses anyway.
[[nodiscard]] std::vector<MissesAt> misses_from_depth(const Shares& depth_after_put, double puts_per_get,
                                                      double miss_ratio_now);

// ---- checks by formula -------------------------------------------------------------------------------------------------

// Share of the gets that find all `buffers` out, when `offered` = gets per second x mean hold seconds come at random.
[[nodiscard]] double erlang_loss(std::uint64_t buffers, double offered);
// The fewest with a loss of at most `loss`; bounded at 2^20.
[[nodiscard]] std::uint64_t erlang_buffers(double offered, double loss);

}  // namespace poolscope::sizing
