#include "agent/advice/site_advice.h"

#include "agent/advice/pool_facts.h"
#include "agent/advice/price_range.h"
#include "agent/advice/reasons.h"
#include "exporters/text/wording.h"
#include "pools/sizing/size_classes.h"

namespace poolscope::advice {
namespace {

constexpr double kShortLivedRatio = 0.8;
constexpr double kShortLivedSeconds = 0.01;  // age of CallSite::short_lived_ratio
// What a pool of short-lived objects reaches at the least: for the lower end of a saving.
constexpr double kLikelyHitRatio = 0.8;
constexpr double kLeastPooledBytes = 256;

constexpr double kEndBetween = 0.9;  // of the buffers, between p05 and p95

void say_final_sizes(const model::GrowthChain& chain, Reasons& why) {
  const auto p50 = static_cast<double>(chain.final_bytes_p50), p95 = static_cast<double>(chain.final_bytes_p95);
  if (!chain.final_bytes_p05) {
    why.say("half of them end above ").bytes("final_bytes.p50", p50).say(", all but one in twenty by ");
    why.bytes("final_bytes.p95", p95);
    return;
  }
  why.ratio("advice.ended_ratio", kEndBetween).say(" of them end ");
  if (*chain.final_bytes_p05 < chain.final_bytes_p95)
    why.say("between ").bytes("final_bytes.p05", static_cast<double>(*chain.final_bytes_p05)).say(" and ");
  else
    why.say("with about ");
  why.bytes("final_bytes.p95", p95);
}

// A rate without an interval comes from a few bursts.
constexpr double kFewBurstsFactor = 3;

bool is_from_few_bursts(const model::Estimate& rate, const model::TargetSnapshot& target) {
  return !rate.low && !target.exact;
}

sizing::Interval rate_of(const model::Estimate& rate, const model::TargetSnapshot& target) {
  if (!is_from_few_bursts(rate, target)) return interval_of(rate);
  return {rate.value, rate.value / kFewBurstsFactor, rate.value * kFewBurstsFactor};
}

void say_few_bursts(const model::Estimate& rate, const model::TargetSnapshot& target, Reasons& why) {
  if (is_from_few_bursts(rate, target)) why.say(" A few bursts saw it so far: how often it happens is known roughly.");
}

// Inside libpoolscope: what a pool allocates, its own advice is about.
bool is_of_a_pool(const std::string& symbol) {
  return symbol.starts_with("poolscope::detail::");
}

// What one chain costs, and what it costs when the first allocation is as large as most of them end.
double saved_per_chain_ns(const model::GrowthChain& chain, const sizing::Prices& prices, double copied_bytes) {
  return chain.steps * prices.allocation(chain.final_bytes_p50) + copied_bytes * prices.copy_ns_per_byte;
}

}  // namespace

std::vector<model::Advice> reservations(const model::TargetSnapshot& target, const sizing::Prices& warm,
                                        const AdviceOptions& options) {
  std::vector<model::Advice> all;
  const double cpu_ns = target.cpu_seconds_per_second.value_or(0) * 1e9;
  const auto [prices, fresh_prices] = price_range(target, warm);
  for (const model::GrowthChain& chain : target.growth_chains) {
    if (!chain.per_second || !chain.copied_bytes_per_second || chain.per_second->value <= 0 || cpu_ns <= 0) continue;
    if (is_of_a_pool(chain.symbol)) continue;
    const double copied_bytes = chain.copied_bytes_per_second->value / chain.per_second->value;
    const sizing::Interval rate = rate_of(*chain.per_second, target);
    const auto saving = [&](const sizing::Prices& used) {
      const double each = saved_per_chain_ns(chain, used, copied_bytes);
      return sizing::Interval{rate.value * each, rate.low * each, rate.high * each};
    };
    const auto saved = as_cpu_ratio(between(saving(prices), saving(fresh_prices)), cpu_ns);
    if (!saved || *saved->low <= 0 || saved->value < options.least_saved_ratio) continue;
    model::Advice advice;
    advice.subject = text::frame_name(chain.symbol, chain.object, chain.offset);
    advice.kind = "reserve";
    advice.verdict = model::Verdict::kChange;
    advice.unit = "bytes";
    advice.current = chain.first_bytes;
    advice.recommended = sizing::usable_bytes(allocator_of(target), chain.final_bytes_p95);
    advice.saved_cpu_ratio = saved;
    Reasons why("growth_chains[" + advice.subject + "]");
    why.say("buffers made here begin with ")
        .bytes("first_bytes", static_cast<double>(chain.first_bytes))
        .say(" and grow ")
        .count("steps", chain.steps)
        .say(" times; ");
    say_final_sizes(chain, why);
    why.say(". Reserve ")
        .bytes("advice.recommended", static_cast<double>(*advice.recommended))
        .say(": ")
        .bytes("copied_bytes_per_second.value", chain.copied_bytes_per_second->value)
        .say(" a second are copied for nothing.");
    if (chain.is_inferred)
      why.say(" That they grow is concluded: each new block begins like the one that is freed then.");
    say_few_bursts(*chain.per_second, target, why);
    std::move(why).tell(advice);
    advice.reevaluate_when = {"the final sizes change"};
    all.push_back(std::move(advice));
  }
  return all;
}

std::vector<model::Advice> adoptions(const model::TargetSnapshot& target, const sizing::Prices& warm,
                                     const AdviceOptions& options) {
  std::vector<model::Advice> all;
  const double cpu_ns = target.cpu_seconds_per_second.value_or(0) * 1e9;
  const auto [prices, fresh_prices] = price_range(target, warm);
  if (cpu_ns <= 0) return all;
  for (const model::CallSite& site : target.call_sites) {
    if (!site.per_second || !site.bytes_per_second || site.per_second->value <= 0) continue;
    if (is_of_a_pool(site.symbol)) continue;
    if (site.short_lived_ratio.value_or(0) < kShortLivedRatio) continue;
    const double bytes = site.bytes_per_second->value / site.per_second->value;
    if (bytes < kLeastPooledBytes) continue;
    const sizing::Interval rate = rate_of(*site.per_second, target);
    const double short_lived = *site.short_lived_ratio;
    const auto saving = [&](const sizing::Prices& used) {
      const double direct_ns = used.allocation(static_cast<std::uint64_t>(bytes));
      return sizing::Interval{rate.value * (short_lived * direct_ns - used.pool_pair_ns),
                              rate.low * (short_lived * kLikelyHitRatio * direct_ns - used.pool_pair_ns),
                              rate.high * (direct_ns - used.pool_pair_ns)};
    };
    const auto saved = as_cpu_ratio(between(saving(prices), saving(fresh_prices)), cpu_ns);
    if (!saved || *saved->low <= 0 || saved->value < options.worth_cpu_ratio) continue;
    model::Advice advice;
    advice.subject = text::frame_name(site.symbol, site.object, site.offset);
    advice.kind = "adopt_pool";
    advice.verdict = model::Verdict::kAdopt;
    advice.saved_cpu_ratio = saved;
    advice.break_even_hit_ratio = sizing::break_even_hit_ratio(
        {rate.value, prices.allocation(static_cast<std::uint64_t>(bytes)), prices.pool_pair_ns, 0}, prices);
    Reasons why("call_sites[" + advice.subject + "]");
    why.count("per_second.value", site.per_second->value)
        .say(" blocks a second of ")
        .bytes("advice.mean_bytes", bytes)
        .say(" on average are made here, and ")
        .ratio("short_lived_ratio", short_lived)
        .say(" of them are freed within ")
        .seconds("advice.short_lived_seconds", kShortLivedSeconds)
        .say(". A pool saves about ")
        .ratio("advice.expected.saved_cpu_ratio.value", saved->value)
        .say(" of the CPU time; it pays from a hit ratio of ")
        .ratio("advice.break_even_hit_ratio", *advice.break_even_hit_ratio)
        .say(" on.");
    say_few_bursts(*site.per_second, target, why);
    std::move(why).tell(advice);
    advice.alternatives = {"keep one buffer per thread or connection and reuse it"};
    advice.reevaluate_when = {"the objects live longer", "the rate falls by half"};
    all.push_back(std::move(advice));
  }
  return all;
}

}  // namespace poolscope::advice
