#pragma once
// AllocReference: what alloc_logic.h must have counted, worked out call by call: it is told what the calls are and where
// they happen, while the logic has to find that out from single hits and the stack.

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "probes/bpf/alloc_burst.h"
#include "tests/unit/probes/simulated_thread.h"

namespace poolscope::probes::test {

using Place = std::pair<std::uint32_t, std::uint64_t>;  // process and address in it

struct ThreadId {
  std::uint32_t tgid, tid;
};

class AllocReference {
 public:
  AllocReference(const FakeKernel& kernel, Mode mode) : kernel_(kernel), mode_(mode) {}

  // A call between its entry and its return.
  struct Call {
    ThreadId thread{};
    bool is_outermost = false;  // not made by the allocator to itself
    std::uint64_t generation = 0;
    std::uint64_t bytes = 0, block = 0, site = 0;
    std::optional<birth> moved;
  };
  // `block`: what a reallocation resizes, else 0.
  [[nodiscard]] Call begin(ThreadId thread, std::uint64_t bytes, std::uint64_t block, std::uint64_t site);
  void end(const Call& call, std::uint64_t result);
  void abandon(const Call& call);
  // A call of a freeing function that goes on into `jumps` others.
  void free(ThreadId thread, std::uint64_t block, unsigned jumps);
  void next_burst();

  struct Site {
    std::uint64_t calls = 0, requested_bytes = 0, births = 0, short_lived = 0;
    bool operator==(const Site&) const = default;
  };
  struct Chain {
    std::uint64_t chains = 0, steps = 0, copied_bytes = 0;
    bool operator==(const Chain&) const = default;
  };
  [[nodiscard]] const alloc_counts& counts() const { return counts_; }
  [[nodiscard]] const std::map<Place, birth>& alive() const { return alive_; }
  [[nodiscard]] const std::map<Place, Site>& sites() const { return sites_; }
  [[nodiscard]] const std::map<Place, Chain>& chains() const { return chains_; }

 private:
  struct Thread {
    std::uint64_t generation = 0, charge_ns = 0;
    bool is_in_call = false, has_lost_call = false;
  };
  [[nodiscard]] bool is_armed(std::uint32_t bit) const { return (kernel_.control.armed & bit) != 0; }
  Thread& charge(ThreadId thread, alloc_hit hit);
  [[nodiscard]] bool is_outermost_hit(ThreadId thread, alloc_hit hit);
  void count_sizes(std::uint64_t bytes, __u64& calls, __u64& sum);
  void end_reallocation(const Call& call, const Thread& thread, std::uint64_t result);
  void put(Place place, const birth& life);
  void count_death(ThreadId id, const Thread& thread, const birth& life);

  const FakeKernel& kernel_;  // its clock and its settings
  const Mode mode_;
  alloc_counts counts_{};
  std::map<Place, birth> alive_;
  std::map<Place, Site> sites_;
  std::map<Place, Chain> chains_;
  std::map<std::uint32_t, Thread> threads_;
};

}  // namespace poolscope::probes::test
