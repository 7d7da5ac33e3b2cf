// Which values the limits of a pool should have.
#include <algorithm>
#include <cmath>

#include "agent/advice/pool_advice.h"
#include "agent/advice/reasons.h"
#include "exporters/text/report.h"

namespace poolscope::advice {
namespace {

constexpr double kLeastChange = 0.2;
constexpr double kToldApart = 1.05;
constexpr double kMostlyFits = 0.9;  // of the buffers, or a smaller size is no alternative
// same_cost(): where it begins to look, and how far it looks.
constexpr double kLeastNeededQuantile = 0.1;
constexpr std::uint64_t kFarthestFactor = 2;
constexpr std::size_t kSizesTried = 256;

bool is_far(std::uint64_t current, std::uint64_t wanted) {
  const auto now = static_cast<double>(current), then = static_cast<double>(wanted);
  return std::abs(then - now) >= std::max(1.0, kLeastChange * now);
}

model::Advice change_of(const PoolCase& pool, const char* kind, const char* unit, std::uint64_t current,
                        std::uint64_t wanted) {
  model::Advice advice;
  advice.subject = pool.pool.name;
  advice.kind = kind;
  advice.verdict = model::Verdict::kChange;
  advice.unit = unit;
  advice.current = current;
  advice.recommended = wanted;
  return advice;
}

using SavingOf = AdviceState::SavingOf;

// The value to tell; nullopt: keep what there is.
std::optional<std::uint64_t> wanted_size(const PoolCase& pool, const PoolFacts& facts, const char* kind,
                                         std::uint64_t current, std::uint64_t best, const SavingOf& saving) {
  if (facts.cpu_ns <= 0) return std::nullopt;
  const double least_ns = pool.options.least_saved_ratio * facts.cpu_ns;
  std::uint64_t wanted = best;
  if (pool.state != nullptr) {
    wanted = pool.state->settle({pool.pool.name, kind}, {current, best, least_ns, pool.options.switch_cost_ns}, saving);
  } else if (const sizing::Interval saved = saving(current, best); saved.low <= 0 || saved.value < least_ns) {
    return std::nullopt;
  }
  if (!is_far(current, wanted)) return std::nullopt;
  return wanted;
}

// The best with warm blocks and the best with fresh pages lie apart, and which of them holds is not known: no further than to the nearer one;
// between them what there is stays.
std::uint64_t nearer_best(std::uint64_t current, std::uint64_t warm, std::uint64_t fresh) {
  const auto [least, most] = std::minmax(warm, fresh);
  return std::clamp(current, least, most);
}

std::string current_field(const PoolCase& pool) {
  return pool.pool.published && pool.pool.published->buffer_bytes ? "published.limits.buffer_bytes"
                                                                  : "buffer_bytes.p50";
}

void explain_capacity(const PoolCase& pool, const PoolFacts& facts, const sizing::BufferUse& use,
                      model::Advice& advice) {
  const std::uint64_t wanted = *advice.recommended, current = *advice.current;
  Reasons why(facts.path);
  why.ratio("advice.fitting_ratio", sizing::share_up_to(use.needed_bytes, wanted))
      .say(" of the buffers need at most ")
      .bytes("advice.recommended", static_cast<double>(wanted))
      .say(", half of them ")
      .bytes("needed_bytes.p50", static_cast<double>(pool.pool.needed_bytes->p50));
  if (wanted < current) {
    why.say("; they are ").bytes(current_field(pool), static_cast<double>(current)).say(" now");
  } else {
    why.say("; with ")
        .bytes(current_field(pool), static_cast<double>(current))
        .say(" as now, ")
        .ratio("advice.growing_ratio", sizing::cost_of_capacity(use, pool.prices, current).regrowth_ratio)
        .say(" of the gets end with a buffer that had to grow");
  }
  why.say(".");
  if (*advice.same_cost_to > *advice.same_cost_from)
    why.say(" ")
        .bytes("advice.same_cost_from", static_cast<double>(*advice.same_cost_from))
        .say(" to ")
        .bytes("advice.same_cost_to", static_cast<double>(*advice.same_cost_to))
        .say(" cost the same within ")
        .ratio("advice.flat_ratio", sizing::kFlatRatio)
        .say("; the smallest of them holds the least memory.");
  std::move(why).tell(advice);
}

sizing::Interval scaled(const sizing::Interval& interval, double factor) {
  return {interval.value * factor, interval.low * factor, interval.high * factor};
}

}  // namespace

std::optional<model::Advice> buffer_bytes(const PoolCase& pool, const PoolFacts& facts) {
  const auto use = buffer_use_of(pool.pool, facts);
  const std::uint64_t current = current_buffer_bytes(pool.pool);
  if (!use || current == 0) return std::nullopt;
  const auto choice = sizing::choose_capacity(*use, pool.prices, facts.allocator, current);
  if (!choice) return std::nullopt;
  const SavingOf saving = [&](std::uint64_t from, std::uint64_t to) {
    if (from >= choice->flat_from_bytes && from <= choice->flat_to_bytes) return sizing::Interval{};
    return scaled(between(sizing::capacity_saving(*use, pool.prices, from, to),
                          sizing::capacity_saving(*use, pool.fresh_prices, from, to)),
                  facts.gets_per_second);
  };
  const auto wanted = wanted_size(pool, facts, "buffer_bytes", current, choice->best_bytes, saving);
  if (!wanted) return std::nullopt;
  model::Advice advice = change_of(pool, "buffer_bytes", "bytes", current, *wanted);
  advice.saved_cpu_ratio = as_cpu_ratio(saving(current, *wanted), facts.cpu_ns);
  advice.same_cost_from = choice->flat_from_bytes;
  advice.same_cost_to = choice->flat_to_bytes;
  advice.saved_bytes =
      (static_cast<double>(current) - static_cast<double>(*wanted)) * static_cast<double>(pool.pool.idle.value_or(0));
  explain_capacity(pool, facts, *use, advice);
  if (const auto cliff = sizing::highest_cliff(facts.allocator, *wanted);
      cliff && cliff->from_bytes > current && sizing::share_up_to(use->needed_bytes, cliff->from_bytes) >= kMostlyFits)
    advice.alternatives.push_back("stay below " + text::format_bytes(static_cast<double>(cliff->from_bytes)) + ": " +
                                  std::string(cliff->what));
  advice.reevaluate_when = {"the sizes that are needed change (another schema, other row counts)",
                            "memory becomes dearer or cheaper"};
  return advice;
}

std::optional<SameCost> same_cost(const PoolCase& pool, const PoolFacts& facts) {
  const auto use = buffer_use_of(pool.pool, facts);
  const std::uint64_t current = current_buffer_bytes(pool.pool);
  if (!use || current == 0 || facts.cpu_ns <= 0) return std::nullopt;
  const double most_ns = pool.options.least_saved_ratio * facts.cpu_ns / facts.gets_per_second;
  const auto is_same = [&](std::uint64_t bytes) {
    const auto saved = between(sizing::capacity_saving(*use, pool.prices, current, bytes),
                               sizing::capacity_saving(*use, pool.fresh_prices, current, bytes));
    return std::max(std::abs(saved.low), std::abs(saved.high)) <= most_ns;
  };
  const std::uint64_t least = sizing::quantile_of(use->needed_bytes, kLeastNeededQuantile);
  SameCost same{current, current, current};
  for (const std::uint64_t bytes :
       sizing::usable_sizes(facts.allocator, std::min(least, current), kFarthestFactor * current, kSizesTried)) {
    const bool is_larger = bytes > current;
    if (!is_same(bytes)) {
      if (is_larger) break;
      same.from_bytes = current;  // what costs more lies between it and the sizes before
    } else if (is_larger) {
      same.to_bytes = bytes;
    } else {
      same.from_bytes = std::min(same.from_bytes, bytes);
    }
  }
  if (same.from_bytes == same.to_bytes) return std::nullopt;
  return same;
}

std::optional<model::Advice> max_idle_buffers(const PoolCase& pool, const PoolFacts& facts) {
  if (!pool.pool.published || !pool.pool.published->max_idle_buffers || facts.direct_ns <= 0) return std::nullopt;
  const std::uint64_t current = *pool.pool.published->max_idle_buffers;
  const auto idle = idle_use_of(pool.pool, facts);
  if (!idle) return std::nullopt;
  sizing::IdleUse fresh = idle->use;
  fresh.miss_ns = fresh_ns(pool, facts);
  const auto choice = sizing::choose_idle_buffers(idle->use, pool.prices);
  const auto fresh_choice = sizing::choose_idle_buffers(fresh, pool.fresh_prices);
  if (!choice || !fresh_choice) return std::nullopt;
  const SavingOf saving = [&](std::uint64_t from, std::uint64_t to) {
    return between(sizing::idle_saving(idle->use, pool.prices, from, to),
                   sizing::idle_saving(fresh, pool.fresh_prices, from, to));
  };
  const std::uint64_t best = nearer_best(current, choice->best_buffers, fresh_choice->best_buffers);
  const auto wanted = wanted_size(pool, facts, "max_idle_buffers", current, best, saving);
  if (!wanted) return std::nullopt;
  model::Advice advice = change_of(pool, "max_idle_buffers", "buffers", current, *wanted);
  advice.saved_cpu_ratio = as_cpu_ratio(saving(current, *wanted), facts.cpu_ns);
  const double then = sizing::cost_of_idle_buffers(idle->use, pool.prices, *wanted).miss_ratio;
  const double now = sizing::cost_of_idle_buffers(idle->use, pool.prices, current).miss_ratio;
  advice.predicted_hit_ratio = 1 - then;
  Reasons why(facts.path);
  why.say("with at most ")
      .count("advice.recommended", static_cast<double>(*wanted))
      .say(" idle buffers ")
      .ratio("advice.expected.miss_ratio", then)
      .say(idle->is_bound && *wanted < current ? " of the gets miss at most; with " : " of the gets miss; with ")
      .count("published.limits.max_idle_buffers", static_cast<double>(current))
      .say(" as now, ")
      .ratio("advice.miss_ratio", now)
      .say(". A miss takes ")
      .seconds("advice.miss_seconds_low", facts.direct_ns * 1e-9)
      .say(" more than a hit");
  if (fresh_ns(pool, facts) > kToldApart * facts.direct_ns)
    why.say(", or up to ")
        .seconds("advice.miss_seconds_high", fresh_ns(pool, facts) * 1e-9)
        .say(" where its pages come from the kernel, as often as its page faults allow");
  why.say(".");
  std::move(why).tell(advice);
  advice.alternatives = {text::format_count(static_cast<double>(choice->for_95)) +
                         " give 95 % of the hits that can be had, " +
                         text::format_count(static_cast<double>(choice->for_99)) + " give 99 %, " +
                         text::format_count(static_cast<double>(choice->for_999)) + " give 99.9 %"};
  advice.reevaluate_when = {"more threads use it", "the gets come in larger bursts"};
  return advice;
}

std::optional<model::Advice> max_retained_bytes(const PoolCase& pool, const PoolFacts& facts) {
  if (!pool.pool.buffer_bytes || pool.pool.buffer_bytes->buckets.empty() || facts.gets_per_second <= 0)
    return std::nullopt;
  const double idle_seconds = static_cast<double>(pool.pool.idle.value_or(0)) / facts.gets_per_second;
  const auto& capacities = pool.pool.buffer_bytes->buckets;
  const auto limit = sizing::choose_retained_limit(capacities, pool.prices, idle_seconds);
  if (!limit) return std::nullopt;
  const std::uint64_t current =
      pool.pool.published ? pool.pool.published->max_retained_bytes.value_or(0) : std::uint64_t{0};
  // Of one put, over keeping everything.
  const auto saved_ns = [&](std::uint64_t upper) {
    double saved = 0;
    for (const auto& [bytes, share] : capacities)
      if (upper != 0 && bytes > upper)
        saved += share * (static_cast<double>(bytes) * idle_seconds * pool.prices.byte_second_ns() -
                          pool.prices.allocation(bytes));
    return saved * facts.gets_per_second;
  };
  const SavingOf saving = [&](std::uint64_t from, std::uint64_t to) {
    const double saved = saved_ns(to) - saved_ns(from);
    return sizing::Interval{saved, saved, saved};
  };
  const auto wanted = wanted_size(pool, facts, "max_retained_bytes", current, *limit, saving);
  if (!wanted) return std::nullopt;
  model::Advice advice = change_of(pool, "max_retained_bytes", "bytes", current, *wanted);
  if (current == 0) advice.current = std::nullopt;
  advice.saved_cpu_ratio = as_cpu_ratio(saving(current, *wanted), facts.cpu_ns);
  Reasons why(facts.path);
  why.ratio("advice.dropped_ratio", 1 - sizing::share_up_to(capacities, *wanted))
      .say(" of the buffers that are put have grown above ")
      .bytes("advice.recommended", static_cast<double>(*wanted))
      .say(" (up to ")
      .bytes("buffer_bytes.p99", static_cast<double>(pool.pool.buffer_bytes->p99))
      .say(") and lie idle for ")
      .seconds("advice.idle_seconds", idle_seconds)
      .say(" between two uses. Not putting these back costs less than holding them.");
  std::move(why).tell(advice);
  advice.reevaluate_when = {"large buffers are needed more often"};
  return advice;
}

}  // namespace poolscope::advice
