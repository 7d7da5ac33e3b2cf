#include "exporters/text/pool_wording.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <utility>

#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "exporters/text/report.h"

namespace poolscope::text {
namespace {

using model::Estimate;
using model::PoolSummary;

// Below it a pool gives less than it promises; above it every pool looks alike.
constexpr double kLowHitRatio = 0.9;
// So many of the gets come back at least; less is said.
constexpr double kReturnedRatio = 0.95;
// Capacity that is worth a word: so many times what is needed, and so much of it.
constexpr std::uint64_t kOversize = 4, kMuchIdleBytes = 1 << 20;

void add_clause(std::string& text, const std::string& clause) {
  if (!clause.empty()) text += (text.empty() ? "" : "; ") + clause;
}

std::string without_unit(std::string text, std::string_view unit) {
  if (text.ends_with(unit)) text.resize(text.size() - unit.size());
  return text;
}

// Whether all of the interval lies below; every event traced leaves no interval and no doubt.
bool is_surely_below(const Estimate& estimate, double limit, bool exact) {
  return exact ? estimate.value < limit : estimate.high && *estimate.high < limit;
}

std::string said_of_misses(const PoolSummary& pool, bool exact) {
  if (!pool.hit_ratio || !is_surely_below(*pool.hit_ratio, kLowHitRatio, exact)) return "";
  std::string text = "misses " + format_ratio(1 - pool.hit_ratio->value) + " of its gets";
  if (pool.thrown_away_per_gc && *pool.thrown_away_per_gc >= 1) {
    text += "; " + format_count(std::round(*pool.thrown_away_per_gc)) + " objects are thrown away per GC";
  }
  return text;
}

std::string said_of_puts(const PoolSummary& pool, bool exact) {
  if (!pool.gets_per_second || !pool.puts_per_second) return "";
  const Estimate &gets = *pool.gets_per_second, &puts = *pool.puts_per_second;
  const double sure_gets = exact ? gets.value : gets.low.value_or(0);
  if (!(puts.value < kReturnedRatio * gets.value) || !is_surely_below(puts, sure_gets, exact)) return "";
  return "only " + format_ratio(puts.value / gets.value) + " as many puts as gets";
}

std::string said_of_double_puts(const PoolSummary& pool) {
  if (!pool.use || pool.use->put_twice == 0) return "";
  return format_exact(pool.use->put_twice) + (pool.use->put_twice == 1 ? " object was" : " objects were") +
         " put twice";
}

// Objects that are meant to stay out for long look the same as those that are lost: so this says what was seen.
std::string said_of_lost_objects(const PoolSummary& pool) {
  constexpr double kNormalShare = 0.001;  // by the definition of never_put_after_seconds
  constexpr std::uint64_t kLeast = 5;
  if (!pool.use || !pool.use->never_put_ratio || pool.use->never_put.value_or(0) < kLeast) return "";
  const Estimate& ratio = *pool.use->never_put_ratio;
  if (!ratio.low || *ratio.low <= kNormalShare) return "";
  return format_ratio(ratio.value) + " of the objects did not come back within " +
         format_seconds(pool.use->never_put_after_seconds.value_or(0)) + ", nearly all others did";
}

std::string said_of_use_after_put(const PoolSummary& pool) {
  if (!pool.use || pool.use->used_after_put.value_or(0) == 0) return "";
  const std::uint64_t used = *pool.use->used_after_put;
  return format_exact(used) + (used == 1 ? " object was" : " objects were") + " used after put";
}

std::string said_of_idle(const PoolSummary& pool) {
  if (!pool.idle) return "";
  std::string text = format_exact(*pool.idle) + (*pool.idle == 1 ? " object idle" : " objects idle");
  if (pool.idle_bytes && *pool.idle > 0) text += ", " + format_bytes(static_cast<double>(*pool.idle_bytes));
  return text;
}

// Buffers that once were needed large and stay so: memory that nobody uses, which a limit at put would free.
std::string said_of_oversize(const PoolSummary& pool) {
  if (!pool.needed_bytes || !pool.buffer_bytes || pool.idle_bytes.value_or(0) < kMuchIdleBytes) return "";
  if (pool.buffer_bytes->p50 < kOversize * std::max<std::uint64_t>(pool.needed_bytes->p95, 1)) return "";
  return "idle buffers hold " + format_bytes(static_cast<double>(*pool.idle_bytes)) +
         "; half of the puts have room for " + format_bytes(static_cast<double>(pool.buffer_bytes->p50)) +
         " or more, 95 % need at most " + format_bytes(static_cast<double>(pool.needed_bytes->p95));
}

// What a pool says of itself and no column has room for.
std::string said_by_itself(const model::PublishedPool& published) {
  std::string text;
  if (published.borrowed) text = format_exact(*published.borrowed) + " borrowed";
  if (const auto& most = published.borrowed_high_water) {
    add_clause(text, "at most " + format_count(most->value) + " borrowed at a time of late");
  }
  if (published.max_idle_buffers)
    add_clause(text, "keeps at most " + format_exact(*published.max_idle_buffers) + " idle");
  if (published.buffer_bytes) {
    add_clause(text, "buffers of " + format_bytes(static_cast<double>(*published.buffer_bytes)));
  }
  return text;
}

std::string said_of_counts(const PoolSummary& pool) {
  std::string text;
  const auto add = [&](const std::optional<std::uint64_t>& count, const char* what) {
    if (count) text += (text.empty() ? "" : ", ") + format_exact(*count) + what;
  };
  add(pool.counted.gets, " gets");
  add(pool.counted.puts, " puts");
  add(pool.counted.misses, " misses");
  return text.empty() ? "" : "since the start " + text;
}

}  // namespace

std::string why_no_lengths(const PoolSummary& pool) {
  const std::string& reason = pool.needed_bytes_reason;
  if (reason.empty() || reason == "not_published") return "";
  if (reason == "reset_before_put") return "lengths: reset before put";
  if (reason == "not_seen") return "lengths: no put was seen";
  if (reason == "type_just_learnt") return "lengths: from the next burst on, its type was only just learnt";
  if (reason == "type_not_known") return "lengths: the type of its objects is not known";
  if (reason == "size_not_given") return "lengths: no function of its description tells them";
  if (reason != "no_buffer") return "lengths: " + printable(reason);
  if (!pool.object_bytes) return "lengths: the objects hold no buffer";
  return "lengths: objects of " + format_bytes(static_cast<double>(*pool.object_bytes)) + " that hold no buffer";
}

std::vector<const PoolSummary*> sorted_pools(const model::TargetSnapshot& target) {
  std::vector<const PoolSummary*> pools;
  for (const PoolSummary& pool : target.pools) pools.push_back(&pool);
  const auto gets = [](const PoolSummary* pool) {
    const auto& rate = pool->gets_per_second;
    return rate && std::isfinite(rate->value) ? rate->value : -1;
  };
  std::ranges::stable_sort(pools, std::greater{}, gets);
  return pools;
}

std::string pool_label(const PoolSummary& pool) {
  std::string text = printable(pool.element);
  if (pool.library.empty()) return text;
  if (!text.empty()) text += ", ";
  return text + (pool.name.starts_with(pool.library + ".") ? "library" : "of " + printable(pool.library));
}

std::string hit_ratio_text(const PoolSummary& pool) {
  return pool.hit_ratio ? format_ratio(pool.hit_ratio->value) : "–";
}

std::string hit_ratio_interval(const PoolSummary& pool) {
  if (!pool.hit_ratio || !pool.hit_ratio->low || !pool.hit_ratio->high) return "";
  return "(" + without_unit(format_ratio(*pool.hit_ratio->low), " %") + " – " +
         without_unit(format_ratio(*pool.hit_ratio->high), " %") + ")";
}

std::string p50_and_p95(const std::optional<model::SizeSummary>& sizes) {
  if (!sizes) return "–";
  const std::string p50 = format_bytes(static_cast<double>(sizes->p50));
  const std::string p95 = format_bytes(static_cast<double>(sizes->p95));
  const std::string unit = p95.substr(std::min(p95.find(' '), p95.size()));
  return without_unit(p50, unit) + " / " + p95;
}

std::string small_print(const PoolSummary& pool) {
  std::string text = said_of_idle(pool);
  if (pool.published) {
    add_clause(text, said_by_itself(*pool.published));
    add_clause(text, said_of_counts(pool));
  }
  if (pool.gets_per_second || pool.published) {
    add_clause(text, why_no_lengths(pool));
    return text;
  }
  add_clause(text, "no burst saw it used");
  if (pool.counted.watched_misses) {
    const std::uint64_t misses = *pool.counted.watched_misses;
    add_clause(text, format_exact(misses) + (misses == 1 ? " miss" : " misses") + " since it is watched");
  }
  return text;
}

std::string miss_curve_text(const PoolSummary& pool) {
  constexpr std::size_t kShown = 3;
  constexpr double kNoMisses = 0.005;  // larger caps gain nothing worth a word
  std::vector<std::pair<std::uint64_t, double>> shown;
  for (const auto& [cap, ratio] : pool.miss_curve) {
    if (std::has_single_bit(cap) && std::countr_zero(cap) % 2 == 0) shown.emplace_back(cap, ratio);
    if (!shown.empty() && shown.back().second < kNoMisses) break;
  }
  const bool has_no_limit = pool.kind == "go_sync_pool";
  const bool one_is_enough = shown.size() == 1 && shown.back().second < kNoMisses;
  if (shown.empty() || (has_no_limit && one_is_enough)) return "";
  if (shown.size() > kShown) shown.erase(shown.begin(), shown.end() - kShown);
  std::string caps, ratios;
  for (const auto& [cap, ratio] : shown) {
    caps += (caps.empty() ? "" : "/") + format_exact(cap);
    ratios += (ratios.empty() ? "" : " / ") + format_ratio(ratio);
  }
  const char* of_what = has_no_limit ? ", if sync.Pool had a limit: " : ": ";
  return "miss ratio with at most " + caps + " idle" + of_what + ratios;
}

std::string remarkable(const PoolSummary& pool, bool exact) {
  std::string text = said_of_misses(pool, exact);
  add_clause(text, said_of_puts(pool, exact));
  add_clause(text, said_of_lost_objects(pool));
  add_clause(text, said_of_double_puts(pool));
  add_clause(text, said_of_use_after_put(pool));
  add_clause(text, said_of_oversize(pool));
  return text;
}

}  // namespace poolscope::text
