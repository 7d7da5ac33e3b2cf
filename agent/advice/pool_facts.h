#pragma once
// PoolFacts: what a snapshot says of one pool, as the inputs that poolscope::sizing wants.

#include <cstdint>
#include <optional>
#include <string>

#include "exporters/model/snapshot.h"
#include "pools/sizing/capacity.h"
#include "pools/sizing/idle_buffers.h"
#include "pools/sizing/worth.h"

namespace poolscope::advice {

struct PoolFacts {
  std::string path;       // "pools[frames]"
  double cpu_ns = 0;      // of the target, per second; 0: not known
  bool is_exact = false;  // it counts itself, or every event was traced
  double gets_per_second = 0;
  sizing::Interval hit_ratio;
  std::uint64_t object_bytes = 0;  // of what one get hands out, its buffer included; 0: not known
  double direct_ns =
      0;  // at least; making one without the pool; its share of garbage collection included. 0: not known
  double idle_bytes = 0;
  sizing::PoolUseCost use;
  sizing::Allocator allocator = sizing::Allocator::kGlibc;
};

// An end that is not known is the value itself.
[[nodiscard]] sizing::Interval interval_of(const model::Estimate& estimate);
[[nodiscard]] sizing::Allocator allocator_of(const model::TargetSnapshot& target);

// nullopt: the rate of gets or the hit ratio is not known.
[[nodiscard]] std::optional<PoolFacts> facts_of(const model::TargetSnapshot& target, const model::PoolSummary& pool,
                                                const sizing::Prices& prices);

// How its buffers are used; nullopt: what they needed is not known.
[[nodiscard]] std::optional<sizing::BufferUse> buffer_use_of(const model::PoolSummary& pool, const PoolFacts& facts);
// Of one object: as they really are, else as configured. 0: not known.
[[nodiscard]] std::uint64_t object_bytes_of(const model::PoolSummary& pool);
// The capacity of a fresh buffer: as configured, else the median of those at put. 0: not known.
[[nodiscard]] std::uint64_t current_buffer_bytes(const model::PoolSummary& pool);

// Misses by cap; nullopt: not known. `is_bound`: only that they are not more.
struct IdleFacts {
  sizing::IdleUse use;
  bool is_bound = false;
};
[[nodiscard]] std::optional<IdleFacts> idle_use_of(const model::PoolSummary& pool, const PoolFacts& facts);

// What is saved if blocks are warm, and if their pages come from the kernel: from the lower end of the one to the upper end of the other, the
// geometric mean of both where both save.
[[nodiscard]] sizing::Interval between(const sizing::Interval& warm, const sizing::Interval& fresh);

// Of the CPU time of the target.
[[nodiscard]] model::MaybeEstimate as_cpu_ratio(const sizing::Interval& ns_per_second, double cpu_ns);
// What is saved already, of the CPU time that the target would take without.
[[nodiscard]] model::MaybeEstimate as_kept_cpu_ratio(const sizing::Interval& ns_per_second, double cpu_ns);

}  // namespace poolscope::advice
