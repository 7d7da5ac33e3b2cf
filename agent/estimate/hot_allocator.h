#pragma once
// Whether what probes were charged with can be believed of a target that allocates all the time.
//
// A hit costs 0.7 to 1.4 times what calibration said (the thread that shares the core, caches), so where probes are most of every window
// nobody can subtract them: 1.3 us of probes and 20 ns of the target's own look like 1.0 us and 0.3 us. Samples of the CPU time (cpu_share)
// know better: they say which share of the target's own time its allocator has, and with it how long one allocation and its free
// would take in there were the charge believed. Longer than kSlowestCallNs they do not take, page faults apart: the charge is too low, and
// a rate by CPU time would be too low by any factor.

#include <optional>
#include <string>
#include <vector>

#include "agent/estimate/price_check.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

// Of the CPU time of the windows; below it the charge is believed whatever the allocator takes.
inline constexpr double kUncertainChargeShare = 0.7;
// glibc, jemalloc and tcmalloc take 15 to 60 ns for a malloc and a free of up to 4 KiB in one thread (`./dev bench pools`), some times as
// much where threads free what others allocated.
inline constexpr double kSlowestCallNs = 150;

// Why no rate can be told of these windows; nothing when one can, or without samples. Cohorts and growth are not looked at.
[[nodiscard]] std::optional<std::string> why_charge_is_too_low(const std::vector<const model::BurstRecord*>& records,
                                                               const PriceCheck& price,
                                                               const std::optional<model::CpuShare>& share);

}  // namespace poolscope::estimate
