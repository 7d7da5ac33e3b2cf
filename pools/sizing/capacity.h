#pragma once
// Which capacity the buffers of a pool should have: the expected cost of each size that the allocator has, over the sizes that
// were needed. No distribution is assumed and no formula inverted: all candidates are tried.
//
//   Cost of one use of a buffer of C bytes that needed x, in nanoseconds (prices.h)
//     x > C   it is allocated again k = ceil(log_g(x / C)) times (at least once, x a bucket's width smaller), g the growth factor, and what it holds is copied each time:
//             k x allocation + (C g^0 + ... + C g^(k-1)) x copy_ns_per_byte. Only of uses that begin with a fresh buffer when
//             grown buffers go back to the pool: `fresh_ratio` of them.
//     x <= C  C - x bytes are held for nothing, hold_seconds long
//     and `made_ratio` of the uses begin with a buffer that is allocated for them: allocation(C) each
//     and in both cases C bytes are idle for idle_seconds between two uses. Buffers that grew before keep what they have: for these the larger of
//     both counts, so that a smaller size does not seem to give back what it would not.
//   Growth      g decides what growing costs: from C to x at once (g endless) it is one allocation and the copy of C bytes. Where it is not known costs are told for
//               doubling, and a saving reaches from what is left when buffers grew at once to what doubling costs.
//   Newsvendor  With a fixed cost of growing and linear cost of holding the optimum is the quantile at which both balance (Arrow,
//               Harris, Marschak 1951). Here neither is so simple, hence the sum; the tests compare where they must agree.
//   Buckets     a needed size counts as the largest of its bucket, at most 12.5 % too much.
//   Interval    of a saving: the uses seen are a sample; the cost difference of one use has a mean and a variance: normal
//               interval with `uses_seen` values. Bursts of similar uses make it too narrow: give the number of independent ones.
//   Threads     pure functions.

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "pools/sizing/prices.h"
#include "pools/sizing/size_classes.h"

namespace poolscope::sizing {

// Largest value of a bucket, share of all values in it; ascending. The shares add up to 1.
using Shares = std::vector<std::pair<std::uint64_t, double>>;

inline constexpr double kAtOnce = std::numeric_limits<double>::infinity();

struct BufferUse {
  Shares needed_bytes;
  std::uint64_t uses_seen = 0;
  double hold_seconds = 0;              // mean, from get to put
  double idle_seconds = 0;              // mean, of a pooled buffer between two uses
  std::optional<double> growth_factor;  // kAtOnce or above 1; nothing: not known
  double made_ratio = 0;                // of the uses: begin with a buffer that is allocated then
  double fresh_ratio = 1;               // of the uses: begin with one that has not grown; the others with a grown one
  Shares recycled_bytes;                // capacities of those; empty: as configured
};

struct Interval {
  double value = 0, low = 0, high = 0;
};

struct CapacityCost {
  std::uint64_t buffer_bytes = 0;
  double ns_per_use = 0;
  double regrowth_ratio = 0;  // share of the uses that need more
};

struct CapacityChoice {
  std::vector<CapacityCost> candidates;  // ascending by size; never empty
  std::uint64_t best_bytes = 0;          // the smallest within kFlatRatio of the cheapest
  std::uint64_t flat_from_bytes = 0,
                flat_to_bytes = 0;  // sizes that cost the same within kFlatRatio, best_bytes among them
};
inline constexpr double kFlatRatio = 0.02;

[[nodiscard]] CapacityCost cost_of_capacity(const BufferUse& use, const Prices& prices, std::uint64_t buffer_bytes);

// Candidates: what `allocator` has between the 10 % and the 99.9 % quantile of what was needed, and `current_bytes` if not 0. nullopt: nothing
// is known of what was needed.
[[nodiscard]] std::optional<CapacityChoice> choose_capacity(const BufferUse& use, const Prices& prices,
                                                            Allocator allocator, std::uint64_t current_bytes);

// Nanoseconds that one use costs less with `better_bytes` than with `current_bytes`. Without an interval (low and high as the value)
// below 12 uses.
[[nodiscard]] Interval capacity_saving(const BufferUse& use, const Prices& prices, std::uint64_t current_bytes,
                                       std::uint64_t better_bytes);

// Upper end of the bucket in which the quantile lies.
[[nodiscard]] std::uint64_t quantile_of(const Shares& shares, double quantile);
// Of the buckets that end at `bytes` or below.
[[nodiscard]] double share_up_to(const Shares& shares, std::uint64_t bytes);

// Above which size a buffer should not go back to the pool: the cost of each limit is what making the dropped ones again costs, against
// holding the kept ones idle. Shares of the capacities at put. nullopt: no limit is the cheapest.
[[nodiscard]] std::optional<std::uint64_t> choose_retained_limit(const Shares& capacities, const Prices& prices,
                                                                 double idle_seconds);

}  // namespace poolscope::sizing
