#pragma once
// Advice for hosted pools: how many buffers there should be. Their target is the host, whose CPU time says nothing of the services that use
// them, so nothing is told of what a change saves there; what counts are gets that find no buffer, and memory that nobody needs.
//   More      half as many more while more than kMostFailedRatio of the gets find none. How many would do nobody sees: such a get does not wait.
//   Fewer     no get failed, and far fewer were out at a time of late: a quarter fewer at most, kSpareFactor times what was out at least.
//   Steady    with a state it changes when it was right for AdviceState::kChoiceEpochs looks in a row.
//   Threads   pure functions.

#include "agent/advice/pool_advice.h"
#include "agent/advice/what_if.h"

namespace poolscope::advice {

inline constexpr double kMostFailedRatio = 0.01;
inline constexpr double kSpareFactor = 1.25;
inline constexpr double kLeastGivenBackBytes = 1 << 20;

[[nodiscard]] bool is_hosted(const model::PoolSummary& pool);
[[nodiscard]] model::Advice hosted_limit(const PoolCase& pool, const PoolFacts& facts);
[[nodiscard]] WhatIf what_if_hosted(const model::PoolSummary& pool, const Limits& limits);

}  // namespace poolscope::advice
