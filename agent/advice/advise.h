#pragma once
// advise(): what to change about the pools and the allocations of a target, from what its snapshot says and nothing else.
//
//   Gate      what pooling could save at most is asked first. Below `worth_cpu_ratio` of the target's CPU the answer is to leave it.
//   Sure      pools that count themselves: from kSureGets gets on. What bursts saw: from kSureBursts bursts on; before that the verdict is
//             `wait` and says how long. Misuse is told at once: one object put twice is enough.
//   Change    only if the lower end of what it saves is positive, the value differs by a fifth, and the middle of the saving is at least
//             `least_saved_ratio` of the target's CPU, memory at its price included.
//   Steady    with a state (advice_state.h) what was told holds until it is wrong for long enough; without one the snapshot stands for itself.
//   Numbers   every number in a text is evidence with the field it is from (exporters/model/advice.h).
//   Threads   a pure function of its arguments, the state among them.

#include <cstdint>
#include <vector>

#include "agent/advice/advice_state.h"
#include "exporters/model/snapshot.h"
#include "pools/sizing/prices.h"

namespace poolscope::advice {

inline constexpr std::uint64_t kSureGets = 1000;
inline constexpr std::uint64_t kSureBursts = 30;

struct AdviceOptions {
  double worth_cpu_ratio = 0.005;
  double least_saved_ratio = 0.001;
  double switch_cost_ns = 100e6;  // CPU time that a change has to earn first
};

// What changes something first, within that by what it saves.
[[nodiscard]] std::vector<model::Advice> advise(const model::TargetSnapshot& target, const sizing::Prices& prices,
                                                const AdviceOptions& options = {}, AdviceState* state = nullptr);

}  // namespace poolscope::advice
