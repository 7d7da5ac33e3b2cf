#include "agent/advice/hosted_advice.h"

#include <algorithm>
#include <cmath>

#include "agent/advice/reasons.h"

namespace poolscope::advice {
namespace {

constexpr const char* kKind = "max_borrowed_buffers";
constexpr double kLeastChangeOfLimit = 0.2;

enum class Want { kKeep, kMore, kFewer };

// What the host publishes of a pool.
struct HostedFacts {
  std::uint64_t limit = 0;
  std::uint64_t buffer_bytes = 0;
  double failed_ratio = 0;            // of the gets
  std::optional<std::uint64_t> used;  // most at a time of late

  [[nodiscard]] std::uint64_t more() const { return limit + (limit + 1) / 2; }
  [[nodiscard]] std::uint64_t fewer() const {
    const auto enough = static_cast<std::uint64_t>(std::ceil(static_cast<double>(used.value_or(limit)) * kSpareFactor));
    return std::max({enough, limit - limit / 4, std::uint64_t{1}});
  }
  [[nodiscard]] bool has_too_many() const {
    if (!used || failed_ratio > 0 || fewer() >= limit) return false;
    const auto less = static_cast<double>(limit - fewer());
    return less >= kLeastChangeOfLimit * static_cast<double>(limit) &&
           less * static_cast<double>(buffer_bytes) >= kLeastGivenBackBytes;
  }
  [[nodiscard]] Want want() const {
    if (failed_ratio > kMostFailedRatio) return Want::kMore;
    return has_too_many() ? Want::kFewer : Want::kKeep;
  }
};

// nullopt: its limit is not known.
std::optional<HostedFacts> hosted_facts(const model::PoolSummary& pool) {
  if (!pool.published || !pool.published->max_borrowed_buffers || !pool.hit_ratio) return std::nullopt;
  HostedFacts facts;
  facts.limit = *pool.published->max_borrowed_buffers;
  facts.buffer_bytes = pool.published->buffer_bytes.value_or(0);
  facts.failed_ratio = 1 - pool.hit_ratio->value;
  if (pool.published->borrowed_high_water)
    facts.used = static_cast<std::uint64_t>(std::ceil(pool.published->borrowed_high_water->value));
  return facts;
}

void say_used(const HostedFacts& facts, Reasons& why) {
  if (!facts.used) return;
  why.say("at most ")
      .count("published.borrowed_high_water.value", static_cast<double>(*facts.used))
      .say(" of its ")
      .count("published.limits.max_borrowed_buffers", static_cast<double>(facts.limit))
      .say(" buffers were out at a time of late");
}

model::Advice about_limit(const PoolCase& pool, model::Verdict verdict) {
  model::Advice advice;
  advice.subject = pool.pool.name;
  advice.kind = verdict == model::Verdict::kChange ? kKind : "keep";
  advice.verdict = verdict;
  return advice;
}

model::Advice change_limit(const PoolCase& pool, const HostedFacts& facts, std::uint64_t wanted) {
  model::Advice advice = about_limit(pool, model::Verdict::kChange);
  advice.unit = "buffers";
  advice.current = facts.limit;
  advice.recommended = wanted;
  advice.saved_bytes =
      (static_cast<double>(facts.limit) - static_cast<double>(wanted)) * static_cast<double>(facts.buffer_bytes);
  return advice;
}

model::Advice more_buffers(const PoolCase& pool, const HostedFacts& facts, const std::string& path) {
  model::Advice advice = change_limit(pool, facts, facts.more());
  Reasons why(path);
  why.ratio("advice.failed_ratio", facts.failed_ratio)
      .say(" of its gets found no buffer: all ")
      .count("published.limits.max_borrowed_buffers", static_cast<double>(facts.limit))
      .say(" were out. How many would do is not known, because such a get does not wait. ")
      .count("advice.recommended", static_cast<double>(facts.more()))
      .say(" are half as many more; then look again.");
  std::move(why).tell(advice);
  advice.alternatives = {"put buffers back earlier"};
  advice.reevaluate_when = {"a minute has passed with the new limit", "more services use it"};
  return advice;
}

model::Advice fewer_buffers(const PoolCase& pool, const HostedFacts& facts, const std::string& path) {
  model::Advice advice = change_limit(pool, facts, facts.fewer());
  advice.predicted_hit_ratio = 1;
  Reasons why(path);
  why.say("no get failed, and ");
  say_used(facts, why);
  why.say("; with ")
      .count("advice.recommended", static_cast<double>(facts.fewer()))
      .say(" at least a fifth of what was out is still to spare. Loads that come less often than that are not in it.");
  std::move(why).tell(advice);
  advice.reevaluate_when = {"more services use it", "a rarer load has come"};
  return advice;
}

model::Advice keep_limit(const PoolCase& pool, const HostedFacts& facts, const std::string& path) {
  model::Advice advice = about_limit(pool, model::Verdict::kKeep);
  Reasons why(path);
  why.ratio("hit_ratio.value", 1 - facts.failed_ratio).say(" of its gets found a buffer");
  if (facts.used) why.say("; ");
  say_used(facts, why);
  why.say(".");
  std::move(why).tell(advice);
  advice.reevaluate_when = {"gets fail", "far fewer are out at a time"};
  return advice;
}

model::Advice unknown_limit(const PoolCase& pool, const std::string& path) {
  model::Advice advice = about_limit(pool, model::Verdict::kWait);
  Reasons why(path);
  why.say("how many buffers it has is not known: it is closed, or its host has ended.");
  std::move(why).tell(advice);
  return advice;
}

}  // namespace

bool is_hosted(const model::PoolSummary& pool) {
  return pool.kind == "hosted";
}

model::Advice hosted_limit(const PoolCase& pool, const PoolFacts& facts) {
  if (pool.pool.counted.gets.value_or(0) < kSureGets) return wait(pool, facts);
  const auto hosted = hosted_facts(pool.pool);
  if (!hosted) return unknown_limit(pool, facts.path);
  Want want = hosted->want();
  if (pool.state != nullptr)
    want = static_cast<Want>(pool.state->settle({pool.pool.name, kKind}, static_cast<int>(want)));
  // What was settled may not hold for the limit of now any more.
  if (want == Want::kMore && hosted->failed_ratio > kMostFailedRatio) return more_buffers(pool, *hosted, facts.path);
  if (want == Want::kFewer && hosted->has_too_many()) return fewer_buffers(pool, *hosted, facts.path);
  return keep_limit(pool, *hosted, facts.path);
}

WhatIf what_if_hosted(const model::PoolSummary& pool, const Limits& limits) {
  WhatIf answer;
  answer.limits = limits;
  const auto facts = hosted_facts(pool);
  if (!limits.max_borrowed_buffers) {
    answer.missing = "of a hosted pool it is told what max_borrowed_buffers would do: the number of its buffers";
  } else if (!facts) {
    answer.missing = "its limit or how many gets failed is not known";
  } else {
    const std::uint64_t wanted = *limits.max_borrowed_buffers;
    answer.idle_bytes = static_cast<double>(wanted) * static_cast<double>(facts->buffer_bytes);
    if (wanted >= facts->limit || (facts->used && facts->failed_ratio <= 0 && wanted >= *facts->used)) {
      answer.hit_ratio_low = 1 - facts->failed_ratio;
      answer.hit_ratio_high = wanted > facts->limit ? 1 : 1 - facts->failed_ratio;
    } else {
      answer.hit_ratio_low = 0;
      answer.hit_ratio_high = 1 - facts->failed_ratio;
      answer.missing = "how often more than that many were out at a time";
    }
  }
  return answer;
}

}  // namespace poolscope::advice
