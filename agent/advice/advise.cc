#include "agent/advice/advise.h"

#include <algorithm>
#include <iterator>

#include "agent/advice/hosted_advice.h"
#include "agent/advice/most_saved.h"
#include "agent/advice/pool_advice.h"
#include "agent/advice/price_range.h"
#include "agent/advice/site_advice.h"

namespace poolscope::advice {
namespace {

using Advices = std::vector<model::Advice>;

void append(Advices& all, Advices more) {
  std::ranges::move(more, std::back_inserter(all));
}

void append_if(Advices& all, std::optional<model::Advice> one) {
  if (one) all.push_back(std::move(*one));
}

bool settled(const PoolCase& pool, const char* kind, bool now) {
  return pool.state == nullptr ? now : pool.state->settle({pool.pool.name, kind}, now ? 1 : 0) == 1;
}

Stage settled_stage(const PoolCase& pool, const PoolFacts& facts) {
  if (pool.state == nullptr) return stage_of(pool, facts, std::nullopt);
  const AdviceState::Key key{pool.pool.name, "stage"};
  const auto told = pool.state->told(key);
  const Stage now = stage_of(pool, facts, told ? std::optional(static_cast<Stage>(*told)) : std::nullopt);
  return static_cast<Stage>(pool.state->settle(key, static_cast<int>(now), now == Stage::kWait));
}

Advices advise_pool(const PoolCase& pool) {
  if (is_hosted(pool.pool)) {
    const auto facts = facts_of(pool.target, pool.pool, pool.prices);
    return facts ? Advices{hosted_limit(pool, *facts)} : Advices{};
  }
  Advices all = misuse_of(pool);
  const auto facts = facts_of(pool.target, pool.pool, pool.prices);
  if (!facts) return all;
  switch (settled_stage(pool, *facts)) {
    case Stage::kWait:
      all.push_back(wait(pool, *facts));
      return all;
    case Stage::kLeave:
      all.push_back(leave(pool, *facts));
      return all;
    case Stage::kDrop:
      all.push_back(drop(pool, *facts));
      return all;
    case Stage::kSizes:
      break;
  }
  const std::size_t before = all.size();
  append_if(all, buffer_bytes(pool, *facts));
  append_if(all, max_idle_buffers(pool, *facts));
  append_if(all, max_retained_bytes(pool, *facts));
  if (settled(pool, "tuning", is_emptied_by_gc(pool, *facts))) all.push_back(emptied_by_gc(pool, *facts));
  if (all.size() == before) all.push_back(keep(pool, *facts));
  return all;
}

// Faults first, then what changes something, then what is good, then what is not known yet.
int order_of(model::Verdict verdict) {
  switch (verdict) {
    case model::Verdict::kFix:
      return 0;
    case model::Verdict::kChange:
    case model::Verdict::kAdopt:
    case model::Verdict::kDrop:
    case model::Verdict::kTune:
      return 1;
    case model::Verdict::kKeep:
      return 2;
    case model::Verdict::kWait:
      break;
  }
  return 3;
}

}  // namespace

std::vector<model::Advice> advise(const model::TargetSnapshot& target, const sizing::Prices& prices,
                                  const AdviceOptions& options, AdviceState* state) {
  Advices all;
  for (const model::PoolSummary& pool : target.pools) {
    const PriceRange range = price_range(target, pool, prices);
    append(all, advise_pool({target, pool, range.low, range.high, options, state}));
  }
  append(all, reservations(target, prices, options));
  append(all, adoptions(target, prices, options));
  bound_by_cpu_share(target, options, all);
  std::ranges::stable_sort(all, [](const model::Advice& a, const model::Advice& b) {
    if (order_of(a.verdict) != order_of(b.verdict)) return order_of(a.verdict) < order_of(b.verdict);
    const auto saved = [](const model::Advice& one) { return one.saved_cpu_ratio ? one.saved_cpu_ratio->value : 0; };
    return saved(a) > saved(b);
  });
  return all;
}

}  // namespace poolscope::advice
