#pragma once
// Which share of its CPU time a target spends on allocating, copying, page faults and garbage collection: samples -> shares.
//   Interval   Wilson's, over all samples. They are drawn at about equal distances in time, independently of what the target does: of phases
//              that last longer than that distance each gets its part, so the error of the average over the observed time is at most
//              that of as many independent draws.
//   Unknown    samples of processes of which nobody knows where the functions of a part are widen the interval of that part upwards by
//              as much; above kMostUnknown of all samples the part is absent.
//   Gc         absent where no process collects garbage.

#include <cstdint>
#include <optional>
#include <span>

#include "exporters/model/record.h"
#include "exporters/model/snapshot.h"

namespace poolscope::estimate {

inline constexpr std::uint64_t kFewestCpuSamples = 100;
inline constexpr double kMostUnknown = 0.05;

[[nodiscard]] model::CpuShareRecord add_up(std::span<const model::CpuShareRecord> records);
// Nothing below kFewestCpuSamples.
[[nodiscard]] std::optional<model::CpuShare> estimate_cpu_share(std::span<const model::CpuShareRecord> records);

}  // namespace poolscope::estimate
