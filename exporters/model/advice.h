#pragma once
// Advice: what poolscope suggests for one pool or one place in the code, with everything it follows from.
//   Numbers   `why` is made of words and of the texts of `evidence`: each number in it is the value of a named field of the snapshot, or of
//             this advice. advice_test holds every advice to that.
//   Absent    std::nullopt: there is none, or it is not known; `why` says which.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/model/estimate.h"

namespace poolscope::model {

enum class Verdict { kKeep, kChange, kAdopt, kDrop, kFix, kTune, kWait };
// As JSON and metrics write it: "keep".
[[nodiscard]] const char* verdict_name(Verdict verdict);
[[nodiscard]] std::optional<Verdict> verdict_named(std::string_view name);

struct AdviceEvidence {
  std::string
      field;  // path inside the target: "pools[frames].needed_bytes.p99"; "advice.expected.saved_bytes": of the advice itself
  double value = 0;
  std::string text;  // as `why` says it: "7 KiB"
  bool operator==(const AdviceEvidence&) const = default;
};

struct Advice {
  std::string subject;  // name of the pool, or symbol of the call site
  std::string
      kind;  // buffer_bytes, max_idle_buffers, max_retained_bytes, reserve, adopt_pool, drop_pool, tuning, misuse
  Verdict verdict = Verdict::kKeep;
  std::string unit;  // of the next four: "bytes" or "buffers"; empty where there are none
  std::optional<std::uint64_t> current, recommended;
  std::optional<std::uint64_t> same_cost_from, same_cost_to;  // values that cost the same within 2 %
  std::string why;
  std::vector<AdviceEvidence> evidence;
  MaybeEstimate saved_cpu_ratio;      // of the CPU time of the target, the price of memory included
  std::optional<double> saved_bytes;  // idle memory; negative: it takes more
  std::optional<double> break_even_hit_ratio;
  std::optional<double> predicted_hit_ratio;
  std::vector<std::string> alternatives, reevaluate_when;
  bool operator==(const Advice&) const = default;
};

// What became of an advice: a limit was set to about what had been recommended, by whomever.
struct AdviceOutcome {
  std::string subject, kind, unit;
  std::uint64_t from = 0, to = 0;
  std::uint64_t changed_unix_ns = 0;
  // As the advice said before.
  MaybeEstimate predicted_saved_cpu_ratio;
  std::optional<double> predicted_hit_ratio;
  // 1 - (CPU time of the target per get of the pool since) / (the same before); absent: too little was seen before or since.
  MaybeEstimate realised_saved_cpu_ratio;
  std::optional<double> realised_hit_ratio;
  double seen_seconds = 0;  // since the change, of which the realised values are
  bool operator==(const AdviceOutcome&) const = default;
};

}  // namespace poolscope::model
