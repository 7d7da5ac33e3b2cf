#include "agent/advice/advised_limits.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "exporters/text/advice_wording.h"

namespace poolscope::advice {
namespace {

using What = AdvisedLimit::What;

bool can_be_resized(const model::PoolSummary& pool) {
  return pool.published && (pool.kind == "hosted" || pool.kind == "poolscope");
}

// The limit of now that an advice of this kind changes; nullptr: it changes none from outside.
const std::optional<std::uint64_t>* limit_of(const model::PoolSummary& pool, std::string_view kind) {
  const model::PublishedPool& published = *pool.published;
  if (kind == "max_borrowed_buffers") return &published.max_borrowed_buffers;
  if (pool.kind == "hosted") return nullptr;
  if (kind == "buffer_bytes") return &published.buffer_bytes;
  if (kind == "max_idle_buffers") return &published.max_idle_buffers;
  return kind == "max_retained_bytes" ? &published.max_retained_bytes : nullptr;
}

AdvisedLimit answer_for(const model::TargetSnapshot& target, const model::PoolSummary& pool, What what,
                        std::string why) {
  AdvisedLimit answer;
  answer.target = &target;
  answer.pool = pool.name;
  answer.is_hosted = pool.kind == "hosted";
  answer.what = what;
  answer.why = std::move(why);
  return answer;
}

AdvisedLimit change_by(const model::TargetSnapshot& target, const model::PoolSummary& pool,
                       const model::Advice& advice) {
  const auto& now = *limit_of(pool, advice.kind);
  if (now != advice.current)
    return answer_for(target, pool, What::kRefuse,
                      advice.kind + " is " + (now ? std::to_string(*now) : "open") + " by now, and the advice is for " +
                          std::to_string(advice.current.value_or(0)) + ": wait for the next");
  AdvisedLimit change = answer_for(target, pool, What::kChange, advice.why);
  change.limit = advice.kind;
  change.unit = advice.unit;
  change.from = *advice.current;
  change.to = *advice.recommended;
  return change;
}

// Of advice that changes no limit.
AdvisedLimit left_alone(const model::TargetSnapshot& target, const model::PoolSummary& pool,
                        const model::Advice& advice) {
  switch (advice.verdict) {
    case model::Verdict::kKeep:
      return answer_for(target, pool, What::kKeep, advice.why);
    case model::Verdict::kWait:
      return answer_for(target, pool, What::kRefuse, "not sure enough: " + advice.why);
    default:
      return answer_for(target, pool, What::kRefuse,
                        "what is advised is no limit: " + text::advice_action(advice) + ": " + advice.why);
  }
}

std::vector<AdvisedLimit> of_pool(const model::TargetSnapshot& target, const model::PoolSummary& pool) {
  if (!can_be_resized(pool))
    return {
        answer_for(target, pool, What::kRefuse, "the limits of a pool of this kind are in the code of its service")};
  std::vector<AdvisedLimit> changes;
  std::optional<AdvisedLimit> other;
  for (const model::Advice& advice : target.advice) {
    if (advice.subject != pool.name) continue;
    if (advice.verdict == model::Verdict::kChange && advice.recommended && advice.current &&
        limit_of(pool, advice.kind) != nullptr) {
      changes.push_back(change_by(target, pool, advice));
    } else if (!other) {
      other = left_alone(target, pool, advice);
    }
  }
  if (!changes.empty()) return changes;
  if (other) return {*std::move(other)};
  return {answer_for(target, pool, What::kRefuse, "there is no advice for it yet")};
}

}  // namespace

Result<std::vector<AdvisedLimit>, std::string> advised_limits(const model::Snapshot& snapshot,
                                                              std::span<const std::string> pools) {
  std::vector<AdvisedLimit> all;
  std::vector<std::string> missing(pools.begin(), pools.end());
  for (const auto& target : snapshot.targets) {
    for (const auto& pool : target.pools) {
      const bool is_named = std::ranges::find(pools, pool.name) != pools.end();
      if (!is_named && (!pools.empty() || !can_be_resized(pool))) continue;
      std::erase(missing, pool.name);
      std::ranges::move(of_pool(target, pool), std::back_inserter(all));
    }
  }
  if (!missing.empty())
    return Failure{"no target has a pool `" + missing.front() + "`; `poolscope report` lists the pools"};
  return all;
}

}  // namespace poolscope::advice
