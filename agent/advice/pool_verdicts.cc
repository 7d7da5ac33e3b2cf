// Whether a pool should be there at all, and whether it is used as it should be.
#include <algorithm>
#include <cmath>

#include "agent/advice/pool_advice.h"
#include "agent/advice/reasons.h"

namespace poolscope::advice {
namespace {

constexpr double kLeastNeverPutRatio = 0.01;
constexpr double kLeastPutsPerGet = 0.9;
constexpr std::uint64_t kLeastSizeSaid = 4096;  // a choice among smaller ones changes nothing that anybody would notice
constexpr std::uint64_t kFewestGetsSeen = 500;
constexpr double kStayFactor = 1.5;  // a pool that was left alone is worth a look from so many times the limit on

model::Advice about(const PoolCase& pool, const char* kind, model::Verdict verdict) {
  model::Advice advice;
  advice.subject = pool.pool.name;
  advice.kind = kind;
  advice.verdict = verdict;
  return advice;
}

std::string path_of(const PoolCase& pool) {
  return "pools[" + pool.pool.name + "]";
}

void add_put_twice(const PoolCase& pool, std::vector<model::Advice>& all) {
  if (!pool.pool.use || pool.pool.use->put_twice == 0) return;
  model::Advice advice = about(pool, "misuse", model::Verdict::kFix);
  Reasons why(path_of(pool));
  why.count("use.put_twice", static_cast<double>(pool.pool.use->put_twice))
      .say(
          " puts gave back an object that was in the pool already: two callers get the same object, and write over "
          "each other. "
          "Find the path that puts twice (often an error path beside a deferred put).");
  std::move(why).tell(advice);
  all.push_back(std::move(advice));
}

void add_used_after_put(const PoolCase& pool, std::vector<model::Advice>& all) {
  if (!pool.pool.use || pool.pool.use->used_after_put.value_or(0) == 0) return;
  model::Advice advice = about(pool, "misuse", model::Verdict::kFix);
  Reasons why(path_of(pool));
  why.count("use.used_after_put", static_cast<double>(*pool.pool.use->used_after_put))
      .say(
          " objects came out of the pool with a buffer that was changed while they lay in it: somebody still used them "
          "after the put, for "
          "example a reader at the other end of a channel. Put an object only when nobody else holds its bytes.");
  std::move(why).tell(advice);
  all.push_back(std::move(advice));
}

void add_never_put(const PoolCase& pool, std::vector<model::Advice>& all) {
  const auto& use = pool.pool.use;
  if (!use || !use->never_put_ratio || use->never_put_ratio->low.value_or(0) < kLeastNeverPutRatio) return;
  model::Advice advice = about(pool, "misuse", model::Verdict::kFix);
  Reasons why(path_of(pool));
  why.ratio("use.never_put_ratio.value", use->never_put_ratio->value)
      .say(" of the objects that were got were not put back, though nearly all of the others were within ")
      .seconds("use.never_put_after_seconds", use->never_put_after_seconds.value_or(0))
      .say(". Each of them is a miss later. Look for paths that return without a put.");
  std::move(why).tell(advice);
  all.push_back(std::move(advice));
}

// Where single objects were not followed long enough: far fewer puts than gets, beyond what the number of gets that were seen leaves in doubt.
void add_fewer_puts(const PoolCase& pool, std::vector<model::Advice>& all) {
  const auto& gets = pool.pool.gets_per_second;
  const auto& puts = pool.pool.puts_per_second;
  if (!gets || !puts || gets->value <= 0 || (pool.pool.use && pool.pool.use->never_put_ratio)) return;
  const double ratio = puts->value / gets->value;
  const double seen = static_cast<double>(pool.pool.counted.gets.value_or(0));
  const double doubt =
      seen < static_cast<double>(kFewestGetsSeen) ? 1 : 2 * std::sqrt(ratio * std::max(0.0, 1 - ratio) / seen);
  if (ratio + doubt >= kLeastPutsPerGet || !pool.pool.hit_ratio ||
      pool.pool.hit_ratio->high.value_or(1) >= kLeastPutsPerGet)
    return;
  model::Advice advice = about(pool, "misuse", model::Verdict::kFix);
  Reasons why(path_of(pool));
  why.say("only ")
      .ratio("advice.puts_per_get", ratio)
      .say(" as many puts as gets, and it hits ")
      .ratio("hit_ratio.value", pool.pool.hit_ratio->value)
      .say(" of its gets: an object that is not put back is a miss later. Look for paths that return without a put.");
  std::move(why).tell(advice);
  all.push_back(std::move(advice));
}

std::uint64_t bursts_taken(const model::TargetSnapshot& target) {
  const auto taken = target.cost.bursts.find("taken");
  return taken == target.cost.bursts.end() ? 0 : taken->second;
}

bool is_sure(const PoolCase& pool, const PoolFacts& facts) {
  if (facts.is_exact) return pool.pool.counted.gets.value_or(0) >= kSureGets;
  return bursts_taken(pool.target) >= kSureBursts;
}

void say_gets_needed(const PoolCase& pool, Reasons& why) {
  why.say("only ")
      .count("counted.gets", static_cast<double>(pool.pool.counted.gets.value_or(0)))
      .say(" gets were counted; advice needs at least ")
      .count("advice.needs_gets", static_cast<double>(kSureGets))
      .say(".");
}

void say_bursts_needed(const PoolCase& pool, Reasons& why) {
  const std::uint64_t taken = bursts_taken(pool.target);
  why.count("target.cost.bursts.taken", static_cast<double>(taken))
      .say(" bursts were taken; advice needs ")
      .count("advice.needs_bursts", static_cast<double>(kSureBursts));
  if (taken > 0 && pool.target.cost.observed_seconds > 0) {
    const double each = pool.target.cost.observed_seconds / static_cast<double>(taken);
    why.say(", in about ")
        .seconds("advice.needs_seconds", each * static_cast<double>(kSureBursts - taken))
        .say(" more");
  }
  why.say(".");
}

sizing::Interval saving_of(const PoolCase& pool, const PoolFacts& facts) {
  sizing::PoolUseCost fresh = facts.use;
  fresh.direct_ns = fresh_ns(pool, facts);
  return between(sizing::pool_saving_ns(facts.use, pool.prices, facts.hit_ratio),
                 sizing::pool_saving_ns(fresh, pool.fresh_prices, facts.hit_ratio));
}

// What all its gets would cost without it, at most.
double most_cpu_ratio(const PoolCase& pool, const PoolFacts& facts) {
  return facts.gets_per_second * fresh_ns(pool, facts) / facts.cpu_ns;
}

// What its idle memory costs.
double memory_cpu_ratio(const PoolCase& pool, const PoolFacts& facts) {
  return facts.idle_bytes * pool.prices.byte_second_ns() / facts.cpu_ns;
}

// What other sizes of its buffers would change: the memory that lies idle, and nothing else.
void say_same_cost(const PoolCase& pool, const PoolFacts& facts, Reasons& why, model::Advice& advice) {
  const auto same = same_cost(pool, facts);
  if (!same || same->current_bytes < kLeastSizeSaid) return;
  advice.same_cost_from = same->from_bytes;
  advice.same_cost_to = same->to_bytes;
  const auto from = static_cast<double>(same->from_bytes), to = static_cast<double>(same->to_bytes);
  why.say(" Buffers of ")
      .bytes("advice.same_cost_from", from)
      .say(" to ")
      .bytes("advice.same_cost_to", to)
      .say(" cost the same within ")
      .ratio("advice.least_saved_ratio", pool.options.least_saved_ratio)
      .say(" of the CPU time");
  const auto idle = static_cast<double>(pool.pool.idle.value_or(0));
  if (idle > 0)
    why.say("; idle, they would hold ")
        .bytes("advice.idle_bytes_from", idle * from)
        .say(" to ")
        .bytes("advice.idle_bytes_to", idle * to)
        .say(", now ")
        .bytes("advice.idle_bytes", idle * static_cast<double>(same->current_bytes));
  why.say(".");
}

}  // namespace

std::vector<model::Advice> misuse_of(const PoolCase& pool) {
  std::vector<model::Advice> all;
  add_put_twice(pool, all);
  add_used_after_put(pool, all);
  add_never_put(pool, all);
  add_fewer_puts(pool, all);
  return all;
}

double fresh_ns(const PoolCase& pool, const PoolFacts& facts) {
  return facts.direct_ns + pool.fresh_prices.allocation(facts.object_bytes) -
         pool.prices.allocation(facts.object_bytes);
}

Stage stage_of(const PoolCase& pool, const PoolFacts& facts, std::optional<Stage> told) {
  if (!is_sure(pool, facts)) return Stage::kWait;
  if (facts.cpu_ns <= 0 || facts.direct_ns <= 0) return Stage::kSizes;
  const double worth = pool.options.worth_cpu_ratio * (told == Stage::kLeave ? kStayFactor : 1);
  if (most_cpu_ratio(pool, facts) < worth && memory_cpu_ratio(pool, facts) < worth) return Stage::kLeave;
  const sizing::Interval saving = saving_of(pool, facts);
  if (told == Stage::kDrop) return saving.low > 0 ? Stage::kSizes : Stage::kDrop;
  const bool costs = saving.high < 0 && -saving.value / facts.cpu_ns >= pool.options.least_saved_ratio;
  return costs ? Stage::kDrop : Stage::kSizes;
}

model::Advice wait(const PoolCase& pool, const PoolFacts& facts) {
  model::Advice advice = about(pool, "keep", model::Verdict::kWait);
  Reasons why(path_of(pool));
  if (facts.is_exact)
    say_gets_needed(pool, why);
  else
    say_bursts_needed(pool, why);
  std::move(why).tell(advice);
  return advice;
}

model::Advice leave(const PoolCase& pool, const PoolFacts& facts) {
  model::Advice advice = about(pool, "keep", model::Verdict::kKeep);
  Reasons why(facts.path);
  why.say("leave it as it is: allocating anew for each of its ")
      .count("gets_per_second.value", facts.gets_per_second)
      .say(" gets per second would take at most ")
      .ratio("advice.most_cpu_ratio", most_cpu_ratio(pool, facts))
      .say(" of the CPU time, so nothing about it can save more (what a constructor does besides is not known).");
  std::move(why).tell(advice);
  advice.reevaluate_when = {"its gets per second rise tenfold"};
  return advice;
}

model::Advice drop(const PoolCase& pool, const PoolFacts& facts) {
  const sizing::Interval saving = saving_of(pool, facts);
  model::Advice advice = about(pool, "drop_pool", model::Verdict::kDrop);
  advice.break_even_hit_ratio = sizing::break_even_hit_ratio(facts.use, pool.prices);
  advice.saved_cpu_ratio = as_cpu_ratio({-saving.value, -saving.high, -saving.low}, facts.cpu_ns);
  advice.saved_bytes = facts.idle_bytes;
  Reasons why(facts.path);
  why.say("it hits ").ratio("hit_ratio.value", facts.hit_ratio.value).say(" of its gets; ");
  if (*advice.break_even_hit_ratio > 1)
    why.say("making an object takes less time than a get and a put, so no hit ratio pays. ");
  else
    why.say("it pays from ").ratio("advice.break_even_hit_ratio", *advice.break_even_hit_ratio).say(" on. ");
  why.say("Allocating directly saves ")
      .ratio("advice.expected.saved_cpu_ratio.value", -saving.value / facts.cpu_ns)
      .say(" of the CPU time");
  if (facts.idle_bytes > 0) why.say(" and ").bytes("advice.expected.saved_bytes", facts.idle_bytes);
  why.say(".");
  std::move(why).tell(advice);
  advice.reevaluate_when = {"objects become larger or dearer to make", "the hit ratio rises above the break-even"};
  return advice;
}

bool is_emptied_by_gc(const PoolCase& pool, const PoolFacts& facts) {
  const auto& gc = pool.target.gc;
  if (pool.pool.thrown_away_per_gc.value_or(0) < 1 || !pool.pool.misses_per_second || !gc || gc->cycles == 0)
    return false;
  const double lost_ns = facts.gets_per_second * (1 - facts.hit_ratio.high) * facts.direct_ns;
  return facts.cpu_ns > 0 && lost_ns / facts.cpu_ns >= pool.options.least_saved_ratio;
}

model::Advice emptied_by_gc(const PoolCase& pool, const PoolFacts& facts) {
  model::Advice advice = about(pool, "tuning", model::Verdict::kTune);
  const double misses = facts.gets_per_second * (1 - facts.hit_ratio.value);
  advice.saved_cpu_ratio = as_cpu_ratio({misses * facts.direct_ns / 2, 0, misses * facts.direct_ns}, facts.cpu_ns);
  Reasons why(facts.path);
  why.say("each collection throws away ")
      .count("thrown_away_per_gc", pool.pool.thrown_away_per_gc.value_or(0))
      .say(" of its objects, and ")
      .ratio("advice.miss_ratio", 1 - facts.hit_ratio.value)
      .say(
          " of its gets miss. Collections half as often (twice GOGC, or GOMEMLIMIT where memory is there) throw away "
          "half as many; that "
          "saves at most ")
      .ratio("advice.expected.saved_cpu_ratio.high", *advice.saved_cpu_ratio->high)
      .say(" of the CPU time.");
  std::move(why).tell(advice);
  advice.alternatives = {"a free list of a fixed size (a buffered channel) keeps its objects over collections"};
  advice.reevaluate_when = {"GOGC or GOMEMLIMIT change", "the live heap doubles"};
  return advice;
}

model::Advice keep(const PoolCase& pool, const PoolFacts& facts) {
  model::Advice advice = about(pool, "keep", model::Verdict::kKeep);
  advice.break_even_hit_ratio = sizing::break_even_hit_ratio(facts.use, pool.prices);
  Reasons why(facts.path);
  why.say("it hits ").ratio("hit_ratio.value", facts.hit_ratio.value).say(" of its gets");
  if (facts.direct_ns > 0 && *advice.break_even_hit_ratio <= 1) {
    why.say("; it pays from ").ratio("advice.break_even_hit_ratio", *advice.break_even_hit_ratio).say(" on");
    advice.saved_cpu_ratio = as_kept_cpu_ratio(saving_of(pool, facts), facts.cpu_ns);
    if (advice.saved_cpu_ratio && advice.saved_cpu_ratio->value >= pool.options.least_saved_ratio)
      why.say(" and saves ")
          .ratio("advice.expected.saved_cpu_ratio.value", advice.saved_cpu_ratio->value)
          .say(" (")
          .ratio("advice.expected.saved_cpu_ratio.low", *advice.saved_cpu_ratio->low)
          .say(" to ")
          .ratio("advice.expected.saved_cpu_ratio.high", *advice.saved_cpu_ratio->high)
          .say(") of the CPU time that the target would take without it");
    else if (advice.saved_cpu_ratio)
      why.say(", so it costs about as much as allocating directly");
  }
  why.say(".");
  say_same_cost(pool, facts, why, advice);
  std::move(why).tell(advice);
  advice.reevaluate_when = {"its hit ratio falls below the break-even", "the sizes that are needed change"};
  return advice;
}

}  // namespace poolscope::advice
