#pragma once
// What an agent tells a recorder, in short.

#include <cstdint>
#include <string>

#include "exporters/recording/reader.h"
#include "exporters/recording/record_text.h"
#include "exporters/recording/recorder.h"

namespace poolscope::recording::testing {

inline constexpr std::uint64_t kSecond = 1'000'000'000;
inline constexpr std::uint64_t kBootUnixNs = 1'700'000'000 * kSecond;  // when the monotonic clock was 0

inline model::Moment moment_at(std::uint64_t second, std::vector<model::TargetId> targets = {1}) {
  model::Moment moment;
  moment.at_ns = second * kSecond;
  moment.time_unix_ns = kBootUnixNs + moment.at_ns;
  moment.agent.sequence = second;
  moment.targets = std::move(targets);
  return moment;
}

inline model::StratumRecord stratum_until(std::uint64_t second) {
  model::StratumRecord stratum;
  stratum.start_ns = (second - 1) * kSecond;
  stratum.length_ns = kSecond;
  stratum.target_cpu_ns = kSecond / 2;
  return stratum;
}

inline model::TargetStatus status_at(std::uint64_t second, const std::string& name = "cache") {
  model::TargetStatus status;
  status.at_ns = second * kSecond;
  status.name = name;
  status.runtime = "native";
  return status;
}

// One stratum a second, a moment after each; the agent tells the state when it is asked to.
inline void record_seconds(Recorder& recorder, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t second = first; second <= last; ++second) {
    recorder.take(1, stratum_until(second));
    recorder.take(1, status_at(second));
    recorder.take(moment_at(second));
    if (!recorder.wants_state()) continue;
    recorder.take(1, status_at(second));
    recorder.take(1, model::CarriedTotals{second * kSecond, {}, {}, {}});
  }
}

// Every line, as text, in its order.
inline std::vector<std::string> lines_of(Reader& reader) {
  std::vector<std::string> lines;
  for (const ChunkPlace& chunk : reader.chunks()) {
    reader.read(chunk, [&](const Line& line) {
      const auto* of_target = std::get_if<LineOfTarget>(&line);
      lines.push_back(of_target != nullptr ? to_line(of_target->target, of_target->record)
                                           : to_line(std::get<model::Moment>(line)));
    });
  }
  return lines;
}

}  // namespace poolscope::recording::testing
