#pragma once
// Advice for one pool. Pure functions; each answers one question and gives nothing where there is nothing to say.

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/advice/advise.h"
#include "agent/advice/pool_facts.h"

namespace poolscope::advice {

struct PoolCase {
  const model::TargetSnapshot& target;
  const model::PoolSummary& pool;
  const sizing::Prices &prices, fresh_prices;  // with as few and with as many fresh pages as there may be
  const AdviceOptions& options;
  AdviceState* state;  // nullptr: nothing was told before
};

// PoolFacts::direct_ns where the pages of each object come from the kernel.
[[nodiscard]] double fresh_ns(const PoolCase& pool, const PoolFacts& facts);

// What can be said of it at all.
enum class Stage { kWait, kLeave, kDrop, kSizes };
// `told`: before. What was told is given up only for something that is surely better.
[[nodiscard]] Stage stage_of(const PoolCase& pool, const PoolFacts& facts, std::optional<Stage> told);

// What is wrong whatever the load is: put twice, used after put, not put back.
[[nodiscard]] std::vector<model::Advice> misuse_of(const PoolCase& pool);
// Too little was seen to say anything else; tells how long it takes.
[[nodiscard]] model::Advice wait(const PoolCase& pool, const PoolFacts& facts);
// All that it could save is too little to matter.
[[nodiscard]] model::Advice leave(const PoolCase& pool, const PoolFacts& facts);
// Allocating directly costs less.
[[nodiscard]] model::Advice drop(const PoolCase& pool, const PoolFacts& facts);
[[nodiscard]] std::optional<model::Advice> buffer_bytes(const PoolCase& pool, const PoolFacts& facts);
[[nodiscard]] std::optional<model::Advice> max_idle_buffers(const PoolCase& pool, const PoolFacts& facts);
[[nodiscard]] std::optional<model::Advice> max_retained_bytes(const PoolCase& pool, const PoolFacts& facts);
// Sizes of buffers between which nothing matters but the memory that they hold; the one of now is among them.
struct SameCost {
  std::uint64_t from_bytes = 0, current_bytes = 0, to_bytes = 0;
};
// nullopt: what is needed is not known, or no other size costs the same.
[[nodiscard]] std::optional<SameCost> same_cost(const PoolCase& pool, const PoolFacts& facts);
// Garbage collections throw away what it would hand out.
[[nodiscard]] bool is_emptied_by_gc(const PoolCase& pool, const PoolFacts& facts);
[[nodiscard]] model::Advice emptied_by_gc(const PoolCase& pool, const PoolFacts& facts);
// It does its work.
[[nodiscard]] model::Advice keep(const PoolCase& pool, const PoolFacts& facts);

}  // namespace poolscope::advice
