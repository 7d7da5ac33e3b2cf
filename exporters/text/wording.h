#pragma once
// What the reports say in words, the same in text and markdown. Strings are printable() already.

#include <optional>
#include <string>
#include <vector>

#include "exporters/model/snapshot.h"

namespace poolscope::text {

// "2026-11-20 11:42:07 UTC"
[[nodiscard]] std::string utc_time(std::uint64_t unix_ns);
// "native, jemalloc, 2 processes (4711, 4712)"
[[nodiscard]] std::string identity(const model::TargetSnapshot& target);
// "redis-server+0x4a3f1": base name of the object and address inside it; empty when the object is unknown.
[[nodiscard]] std::string location(const std::string& object, std::uint64_t offset);
// The symbol, or the location where there is none.
[[nodiscard]] std::string frame_name(const std::string& symbol, const std::string& object, std::uint64_t offset);

// One quantity of a target: value and interval as text, or why there is none.
struct Quantity {
  std::string name;      // "allocations"
  std::string value;     // "688 k/s"; empty when absent
  std::string interval;  // "661 k – 715 k", or why there is no interval
  std::string note;      // what it means, or why it is absent
};
[[nodiscard]] std::vector<Quantity> quantities(const model::TargetSnapshot& target);
// Of these, what the garbage collector gives; empty when there is none.
[[nodiscard]] std::vector<Quantity> gc_quantities(const model::TargetSnapshot& target);
// Why there are no allocations of a target that was looked at: "26 bursts saw no allocation".
[[nodiscard]] std::string why_no_allocations(const model::TargetSnapshot& target);
// "1 ms 74.1 % (72.3 % – 76 %)" per age.
[[nodiscard]] std::vector<std::string> freed_within(const model::LifetimeSummary& lifetime);
// What grew in its growth chains, and how.
[[nodiscard]] const char* grown_by(const model::TargetSnapshot& target);

// Whether anything was counted or estimated of malloc and its relatives.
[[nodiscard]] bool allocations_were_measured(const model::TargetSnapshot& target);
// Whether anything was: allocations, pools, growing slices or garbage collection.
[[nodiscard]] bool was_measured(const model::TargetSnapshot& target);
// What a collector says of itself, and how many more bursts are needed for what: "7 bursts: 5 more for intervals, in about 2 s"; may
// be empty.
[[nodiscard]] std::string collector_note(const model::TargetSnapshot& target, const model::CollectorStatus& collector);
// Why there is nothing, and what the reader can do next; one sentence or more each.
[[nodiscard]] std::string why_nothing(const model::TargetSnapshot& target);
[[nodiscard]] std::string next_step(const model::TargetSnapshot& target);

// "0.46 % of the target's CPU"; in seconds where the CPU time of the target is not known.
[[nodiscard]] std::string charge_text(const model::Cost& cost);
// "measuring cost 0.46 % of the target's CPU, budget 1 %; 24 bursts, 61 204 probe hits, 0 events dropped; coverage 96 %"
[[nodiscard]] std::string cost_sentence(const model::TargetSnapshot& target, double budget_cpu_ratio);
// Losses and doubts that belong to it, most often none.
[[nodiscard]] std::vector<std::string> cost_remarks(const model::Cost& cost);

[[nodiscard]] std::string estimate_text(const model::MaybeEstimate& estimate, std::string (*format)(double));
// Largest share first; what has no share last.
[[nodiscard]] std::vector<const model::CallSite*> sorted_call_sites(const model::TargetSnapshot& target);
// What a target's growth chains copy most first.
[[nodiscard]] std::vector<const model::GrowthChain*> sorted_growth_chains(const model::TargetSnapshot& target);

}  // namespace poolscope::text
