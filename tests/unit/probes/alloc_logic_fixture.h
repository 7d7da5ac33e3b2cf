#pragma once
// What the tests of alloc_logic.h share: a process with two threads, everything armed, and questions about the result.

#include <gtest/gtest.h>

#include "tests/unit/probes/simulated_thread.h"

namespace poolscope::probes::test {

inline constexpr std::uint32_t kEverything =
    ALLOC_ARMED_ALLOCATIONS | ALLOC_ARMED_BIRTHS | ALLOC_ARMED_FREES | ALLOC_ARMED_DEATHS;
inline constexpr std::uint64_t kFreeCostNs = 100, kEntryCostNs = 200, kReturnCostNs = 300;
inline constexpr std::uint64_t kBlock = 0x603010, kOther = 0x604020, kThird = 0x605030;
inline constexpr std::uint32_t kPid = 100, kOtherPid = 200;

inline void arm_everything(FakeKernel& kernel) {
  kernel.control.generation = 1;
  kernel.control.armed = kEverything;
  kernel.control.cost_ns[ALLOC_HIT_FREE] = kFreeCostNs;
  kernel.control.cost_ns[ALLOC_HIT_ENTRY] = kEntryCostNs;
  kernel.control.cost_ns[ALLOC_HIT_RETURN] = kReturnCostNs;
}

class AllocLogic : public testing::TestWithParam<Mode> {
 protected:
  AllocLogic() { arm_everything(kernel); }

  [[nodiscard]] const alloc_counts& counts() const { return kernel.counts; }
  [[nodiscard]] std::uint64_t dropped(alloc_drop reason) const { return kernel.counts.dropped[reason]; }
  [[nodiscard]] std::uint64_t all_dropped() const {
    std::uint64_t sum = 0;
    for (const auto count : kernel.counts.dropped) sum += count;
    return sum;
  }
  [[nodiscard]] std::uint64_t deaths() const {
    std::uint64_t sum = 0;
    for (const auto count : kernel.counts.died_ns) sum += count;
    return sum;
  }
  [[nodiscard]] std::uint64_t deaths_at(std::uint64_t age_ns) const {
    return kernel.counts.died_ns[ps_log_linear_index(age_ns)];
  }
  [[nodiscard]] const birth* life_of(std::uint64_t block, std::uint32_t tgid = kPid) {
    return kernel.births.find({block, tgid, static_cast<std::uint32_t>(kernel.control.generation)});
  }
  [[nodiscard]] const site* site_of(std::uint64_t first, std::uint64_t last, std::uint32_t tgid = kPid) {
    return kernel.sites.find({first, last, kernel.control.generation << 32 | tgid});
  }
  [[nodiscard]] const chain* chain_of(std::uint64_t address) {
    return kernel.chains.find({{address, address, kernel.control.generation << 32 | kPid}, 0});
  }
  [[nodiscard]] const chain* growths_of(std::uint64_t address) {
    return kernel.chains.find({{address, address, kernel.control.generation << 32 | kPid}, 1});
  }
  void pass_ns(std::uint64_t ns) { kernel.now_ns += ns; }

  FakeKernel kernel;
  SimulatedThread thread{kernel, kPid, 101};
  SimulatedThread second{kernel, kPid, 102};
  SimulatedThread stranger{kernel, kOtherPid, 201};
};

}  // namespace poolscope::probes::test
