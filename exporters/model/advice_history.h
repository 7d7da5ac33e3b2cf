#pragma once
// AdviceHistory: what an agent has to remember of its advice to tell later what became of it, also when it was restarted meanwhile; and its
// JSON, the file of `advice.state_file`.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/model/advice.h"
#include "exporters/model/json.h"

namespace poolscope::model {

// One look at the work of a target, put on the gets of a pool.
struct WorkSample {
  double cpu_ns_per_get = 0;
  double hit_ratio = 0;
  bool operator==(const WorkSample&) const = default;
};

struct PoolHistory {
  std::string target, pool;
  std::map<std::string, std::uint64_t> limits;  // as they were seen last, by kind of advice: "max_idle_buffers"
  std::uint64_t changed_unix_ns = 0;            // since when they hold; 0: since before the first look
  std::vector<WorkSample> samples;              // since then, oldest first
  std::vector<WorkSample> before;               // of the limits before them
  std::vector<AdviceOutcome> told;              // not followed yet; `to`: what is recommended
  std::vector<AdviceOutcome> followed;          // newest first
  std::uint64_t seen_unix_ns = 0;
  bool operator==(const PoolHistory&) const = default;
};

struct AdviceHistory {
  std::vector<PoolHistory> pools;
  bool operator==(const AdviceHistory&) const = default;
};

[[nodiscard]] std::string to_json(const AdviceHistory& history);
// Bounded as snapshot_from_json(); the error names the member.
[[nodiscard]] Result<AdviceHistory, JsonError> advice_history_from_json(std::string_view text);

}  // namespace poolscope::model
