#include "agent/advice/what_if.h"

#include <algorithm>
#include <charconv>

#include "agent/advice/hosted_advice.h"
#include "agent/advice/pool_facts.h"
#include "agent/advice/price_range.h"

namespace poolscope::advice {
namespace {

// "64K": digits and at most one of K, M, G, powers of 1024.
std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (status != std::errc{}) return std::nullopt;
  constexpr std::string_view kUnits = "KMG";
  const std::size_t power = unit.empty() ? 0 : kUnits.find(unit) + 1;
  if (unit.size() > 1 || (!unit.empty() && power == 0)) return std::nullopt;
  const std::uint64_t scale = std::uint64_t{1} << (10 * power);
  if (value > (std::uint64_t{1} << 40) / scale) return std::nullopt;
  return value * scale;
}

std::optional<std::uint64_t>* limit_named(Limits& limits, std::string_view key) {
  if (key == "buffer_bytes") return &limits.buffer_bytes;
  if (key == "max_idle_buffers") return &limits.max_idle_buffers;
  return key == "max_borrowed_buffers" ? &limits.max_borrowed_buffers : nullptr;
}

void note_missing(WhatIf& answer, const char* what) {
  if (!answer.missing.empty()) answer.missing += "; ";
  answer.missing += what;
}

void add(sizing::Interval& sum, const sizing::Interval& more) {
  sum.value += more.value;
  sum.low += more.low;
  sum.high += more.high;
}

void try_capacity(WhatIf& answer, sizing::Interval& saved, const model::PoolSummary& pool, const PoolFacts& facts,
                  const sizing::Prices& prices, const sizing::Prices& fresh_prices, std::uint64_t bytes) {
  const auto use = buffer_use_of(pool, facts);
  const std::uint64_t current = current_buffer_bytes(pool);
  if (!use || current == 0) return note_missing(answer, "what its buffers needed is not known");
  answer.growing_ratio = sizing::cost_of_capacity(*use, prices, bytes).regrowth_ratio;
  const auto each = between(sizing::capacity_saving(*use, prices, current, bytes),
                            sizing::capacity_saving(*use, fresh_prices, current, bytes));
  add(saved, {each.value * facts.gets_per_second, each.low * facts.gets_per_second, each.high * facts.gets_per_second});
}

void try_idle(WhatIf& answer, sizing::Interval& saved, const model::PoolSummary& pool, const PoolFacts& facts,
              const sizing::Prices& prices, const sizing::Prices& fresh_prices, std::uint64_t buffers) {
  const auto idle = idle_use_of(pool, facts);
  if (!idle) return note_missing(answer, "its gets and puts were not seen in order, so misses by limit are not known");
  const sizing::MissesAt misses = sizing::misses_at(idle->use.misses, buffers);
  answer.hit_ratio_low = 1 - misses.high;
  answer.hit_ratio_high = 1 - misses.low;
  if (!pool.published || !pool.published->max_idle_buffers)
    return note_missing(answer, "it has no such limit now to compare with");
  const std::uint64_t current = *pool.published->max_idle_buffers;
  sizing::IdleUse fresh = idle->use;
  fresh.miss_ns += fresh_prices.allocation(facts.object_bytes) - prices.allocation(facts.object_bytes);
  add(saved, between(sizing::idle_saving(idle->use, prices, current, buffers),
                     sizing::idle_saving(fresh, fresh_prices, current, buffers)));
}

}  // namespace

Result<Limits, std::string> parse_limits(std::string_view text) {
  Limits limits;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const std::size_t equals = one.find('=');
    const std::string_view key = one.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? "" : one.substr(equals + 1);
    std::optional<std::uint64_t>* limit = limit_named(limits, key);
    if (limit == nullptr)
      return Failure{"`" + std::string(key) +
                     "` is no limit; there are buffer_bytes, max_idle_buffers and max_borrowed_buffers"};
    const auto number = number_of(value);
    if (!number || *number == 0)
      return Failure{"`" + std::string(one) + "`: a limit is a number above 0, as 48 or 64K"};
    *limit = number;
  }
  if (!limits.buffer_bytes && !limits.max_idle_buffers && !limits.max_borrowed_buffers)
    return Failure{std::string("no limit is given, as buffer_bytes=64K")};
  return limits;
}

WhatIf what_if(const model::TargetSnapshot& target, const model::PoolSummary& pool, const sizing::Prices& warm,
               const Limits& limits) {
  if (is_hosted(pool)) return what_if_hosted(pool, limits);
  WhatIf answer;
  answer.limits = limits;
  if (limits.max_borrowed_buffers)
    note_missing(answer, "what another max_borrowed_buffers would do is told of hosted pools alone");
  const auto [prices, fresh_prices] = price_range(target, pool, warm);
  const auto facts = facts_of(target, pool, prices);
  if (!facts) {
    note_missing(answer, "its rate of gets or its hit ratio is not known");
    return answer;
  }
  sizing::Interval saved;
  if (limits.buffer_bytes) try_capacity(answer, saved, pool, *facts, prices, fresh_prices, *limits.buffer_bytes);
  if (limits.max_idle_buffers) try_idle(answer, saved, pool, *facts, prices, fresh_prices, *limits.max_idle_buffers);
  const std::uint64_t each = limits.buffer_bytes.value_or(facts->object_bytes);
  const std::optional<std::uint64_t> idle = limits.max_idle_buffers ? limits.max_idle_buffers : pool.idle;
  if (idle && each > 0) answer.idle_bytes = static_cast<double>(*idle) * static_cast<double>(each);
  if (answer.missing.empty()) answer.saved_cpu_ratio = as_cpu_ratio(saved, facts->cpu_ns);
  return answer;
}

}  // namespace poolscope::advice
