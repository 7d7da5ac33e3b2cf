#pragma once
// GrowthChains: growths of Go slices, one by one -> chains of growths of the same buffer, per place that appends. Pure: no BPF, no clock.
//   Chain     a growth continues a chain when it begins with the array and the capacity that the last growth of that chain ended
//             with. Where a first array comes from nothing (append to nil), it is the beginning of a chain and no growth.
//   Ends      nobody sees a slice being dropped: a chain is what was seen of it. One that began earlier counts from where it was
//             seen first, one that goes on later ends where it was seen last; both is rare where chains are much shorter than bursts.
//   False     after a garbage collection another buffer may get address and capacity of a dropped one: then two chains are one.
//   Place     the return addresses of the first growth.
//   Memory    at most kMaxOpen chains are open; then all are taken as ended.

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>

#include "exporters/model/record.h"
#include "probes/bpf/pool_events.h"

namespace poolscope::probes {

class GrowthChains {
 public:
  static constexpr std::size_t kMaxOpen = 1u << 18;
  using Callers = std::array<std::uint64_t, GROWTH_CALLERS>;  // innermost first; 0: not known

  // In order of time: a growth that is older than one of an earlier call begins a chain of its own.
  void add(std::span<const growth_event> events);
  // Chains with at least one growth, by place; `frames` are left empty. Takes all as ended.
  [[nodiscard]] std::map<Callers, model::GrowthChainCounts> finish();

 private:
  struct Chain {
    Callers callers{};
    std::uint64_t first_bytes = 0, bytes = 0;
    std::uint64_t growths = 0;
    std::uint64_t copied_bytes = 0;
  };
  void take(const growth_event& event);
  void end(const Chain& chain);
  void end_all();

  std::unordered_map<std::uint64_t, Chain> open_;  // by the array they have now
  std::map<Callers, model::GrowthChainCounts> ended_;
};

}  // namespace poolscope::probes
