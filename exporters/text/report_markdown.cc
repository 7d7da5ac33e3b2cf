#include <algorithm>

#include "exporters/text/advice_wording.h"
#include "exporters/text/distribution.h"
#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "exporters/text/markdown.h"
#include "exporters/text/pool_wording.h"
#include "exporters/text/report.h"
#include "exporters/text/wording.h"

namespace poolscope::text {
namespace {

using markdown::code;
using markdown::plain;
using markdown::row;
using model::TargetSnapshot;

constexpr std::size_t kMaxCallSites = 25;
constexpr std::size_t kMaxAdvice = 8;
constexpr std::size_t kMaxPools = 50;

std::string quantity_table(const TargetSnapshot& target) {
  std::string text = row({"", "value", "95 % interval", ""}) + "|---|---:|---|---|\n";
  for (const Quantity& quantity : quantities(target)) {
    text +=
        row({quantity.name, quantity.value.empty() ? "–" : quantity.value, quantity.interval, plain(quantity.note)});
  }
  return text + "\n";
}

std::string share_table(const std::vector<DistributionRow>& rows) {
  if (rows.empty()) return "";
  std::string text = row({"size", "share"}) + "|---|---:|\n";
  for (const auto& one : rows) text += row({size_label(one), format_ratio(one.share)});
  return text + "\n";
}

std::string size_table(const model::SizeSummary& sizes) {
  const auto bytes = [](std::uint64_t value) { return format_bytes(static_cast<double>(value)); };
  return "### Sizes\n\np50 " + bytes(sizes.p50) + ", p95 " + bytes(sizes.p95) + ", p99 " + bytes(sizes.p99) + "\n\n" +
         share_table(size_rows(sizes.buckets));
}

std::string size_class_table(const model::GcSummary& gc) {
  const std::string table = share_table(size_rows(gc_size_buckets(gc)));
  return table.empty() ? "" : "### Sizes of Go objects\n\nOf all since the program started.\n\n" + table;
}

std::string lifetime_table(const model::LifetimeSummary& lifetime) {
  const auto quantile = [&](const std::optional<double>& age) {
    return age ? format_seconds(*age) : "over " + format_seconds(lifetime.identified_below_seconds);
  };
  std::string text =
      "### Lifetimes\n\np50 " + quantile(lifetime.p50_seconds) + ", p95 " + quantile(lifetime.p95_seconds);
  for (const std::string& age : freed_within(lifetime)) text += "; freed within " + age;
  text += "\n\n";
  const auto rows = lifetime_rows(lifetime);
  if (rows.empty()) return text;
  text += row({"lifetime", "share"}) + "|---|---:|\n";
  for (const auto& one : rows) text += row({lifetime_label(one), format_ratio(one.share)});
  return text + "\n";
}

std::string callers(const std::vector<model::Frame>& frames) {
  std::string text;
  for (const auto& frame : frames) {
    text += (text.empty() ? "" : " ← ") + code(frame_name(frame.symbol, frame.object, frame.offset));
  }
  return text;
}

std::string call_site_table(const TargetSnapshot& target) {
  const auto sites = sorted_call_sites(target);
  if (sites.empty()) return "";
  std::string text = "### Call sites\n\n";
  text += row({"share", target.exact ? "calls" : "allocs/s", target.exact ? "bytes" : "bytes/s", "freed within 10 ms",
               "call site", "place", "source", "callers"});
  text += "|---:|---:|---:|---:|---|---|---|---|\n";
  for (std::size_t i = 0; i < std::min(sites.size(), kMaxCallSites); ++i) {
    const auto& site = *sites[i];
    const auto bytes = site.counted_bytes ? format_bytes(static_cast<double>(*site.counted_bytes))
                                          : estimate_text(site.bytes_per_second, format_bytes);
    text += row({format_ratio(site.share_ratio),
                 site.counted_calls ? format_exact(*site.counted_calls) : estimate_text(site.per_second, format_count),
                 bytes, site.short_lived_ratio ? format_ratio(*site.short_lived_ratio) : "–",
                 code(frame_name(site.symbol, site.object, site.offset)), code(location(site.object, site.offset)),
                 code(site.source), callers(site.callers)});
  }
  if (sites.size() > kMaxCallSites)
    text += "\nand " + format_exact(sites.size() - kMaxCallSites) + " more call sites\n";
  return text + "\n";
}

std::string growth_chain_table(const TargetSnapshot& target) {
  const auto chains = sorted_growth_chains(target);
  if (chains.empty()) return "";
  const auto bytes = [](std::uint64_t value) { return format_bytes(static_cast<double>(value)); };
  std::string by = grown_by(target);
  by.front() = static_cast<char>(by.front() - 'a' + 'A');
  std::string text = "### Growth chains\n\n" + by + ".\n\n";
  text += row({"first", "final p50", "final p95", "steps", target.exact ? "chains" : "chains/s",
               target.exact ? "copied" : "copied/s", "call site", "place"});
  text += "|---:|---:|---:|---:|---:|---:|---|---|\n";
  for (std::size_t i = 0; i < std::min(chains.size(), kMaxCallSites); ++i) {
    const auto& chain = *chains[i];
    text +=
        row({bytes(chain.first_bytes), bytes(chain.final_bytes_p50), bytes(chain.final_bytes_p95),
             format_count(chain.steps),
             chain.counted_chains ? format_exact(*chain.counted_chains) : estimate_text(chain.per_second, format_count),
             chain.counted_copied_bytes ? bytes(*chain.counted_copied_bytes)
                                        : estimate_text(chain.copied_bytes_per_second, format_bytes),
             code(frame_name(chain.symbol, chain.object, chain.offset)), code(location(chain.object, chain.offset))});
  }
  return text + "\n";
}

std::string pool_row(const model::PoolSummary& pool, bool exact) {
  const auto number = [&](std::optional<std::uint64_t> counted, const model::MaybeEstimate& rate) {
    if (exact) return counted ? format_exact(*counted) : std::string("–");
    return rate ? format_count(rate->value) : std::string("–");
  };
  const std::string interval = hit_ratio_interval(pool);
  return row({code(pool.name), code(pool.element), plain(pool.library), number(pool.counted.gets, pool.gets_per_second),
              hit_ratio_text(pool) + (interval.empty() ? "" : " " + interval),
              number(pool.counted.misses, pool.misses_per_second), number(pool.counted.puts, pool.puts_per_second),
              p50_and_p95(pool.needed_bytes), p50_and_p95(pool.buffer_bytes),
              number(pool.counted.regrowths, pool.regrowths_per_second),
              pool.thrown_away_per_gc ? format_count(*pool.thrown_away_per_gc) : "–"});
}

// What is remarkable of the pools, and why cells of their rows are empty.
std::string pool_notes(const std::vector<const model::PoolSummary*>& pools, bool exact) {
  std::string text;
  for (const auto* pool : pools) {
    if (const auto note = remarkable(*pool, exact); !note.empty())
      text += "- " + code(pool->name) + " " + plain(note) + "\n";
    if (const auto why = small_print(*pool); !why.empty()) text += "- " + code(pool->name) + ": " + plain(why) + "\n";
    if (const auto curve = miss_curve_text(*pool); !curve.empty())
      text += "- " + code(pool->name) + ": " + plain(curve) + "\n";
  }
  return text.empty() ? "" : text + "\n";
}

std::string pool_table(const TargetSnapshot& target) {
  auto pools = sorted_pools(target);
  if (pools.empty()) return "";
  const std::size_t left_out = pools.size() - std::min(pools.size(), kMaxPools);
  pools.resize(pools.size() - left_out);
  std::string text = "### Pools\n\nLength and capacity: p50 / p95 at put.\n\n";
  const std::string per = target.exact ? "" : "/s";
  text += row({"pool", "element", "library", "gets" + per, "hit ratio", "misses" + per, "puts" + per, "length",
               "capacity", "grew" + per, "gone per GC"});
  text += "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n";
  for (const auto* pool : pools) text += pool_row(*pool, target.exact);
  if (left_out > 0) text += "\nand " + format_exact(left_out) + " more pools with fewer gets\n";
  return text + "\n" + pool_notes(pools, target.exact);
}

std::string advice_list(const TargetSnapshot& target) {
  std::string text;
  std::size_t asking = 0;
  for (const auto& advice : target.advice) {
    if (!asks_for_something(advice) || ++asking > kMaxAdvice) continue;
    const std::string gain = advice_gain(advice);
    text += "- " + code(advice.subject) + " **" + plain(advice_action(advice)) + "**" +
            (gain.empty() ? "" : ", " + gain) + ": " + plain(advice.why) + "\n";
  }
  if (asking > kMaxAdvice) text += "- and " + format_exact(asking - kMaxAdvice) + " more\n";
  for (const std::string& names : advice_by_name(target)) text += "- " + plain(names) + "\n";
  for (const auto& outcome : target.advice_outcomes) text += "- done: " + plain(outcome_text(outcome)) + "\n";
  return text.empty() ? "" : "### Advice\n\n" + text + "\n";
}

std::string collector_table(const TargetSnapshot& target) {
  if (target.collectors.empty()) return "No collector runs on this target.\n\n";
  std::string text = "### Collectors\n\n" + row({"collector", "level", "state", "reason"}) + "|---|---|---|---|\n";
  for (const auto& collector : target.collectors) {
    const std::string note = collector_note(target, collector), &reason = note.empty() ? collector.reason : note;
    text += row({plain(collector.name), plain(collector.level), model::state_name(collector.state), plain(reason)});
  }
  return text + "\n";
}

std::string cost_paragraph(const TargetSnapshot& target, double budget_cpu_ratio) {
  std::string text =
      "Measuring" + cost_sentence(target, budget_cpu_ratio).substr(std::string_view("measuring").size()) + ".\n";
  for (const std::string& remark : cost_remarks(target.cost)) text += "\n- " + plain(remark);
  return text + (text.ends_with('\n') ? "\n" : "\n\n");
}

std::string target_section(const TargetSnapshot& target, double budget_cpu_ratio) {
  std::string text = "## " + plain(target.name) + "\n\n" + plain(identity(target)) + "\n\n";
  if (was_measured(target)) {
    text += quantity_table(target);
    if (target.allocations.size_bytes) text += size_table(*target.allocations.size_bytes);
    if (target.allocations.lifetime) text += lifetime_table(*target.allocations.lifetime);
    if (target.gc) text += size_class_table(*target.gc);
    text += call_site_table(target) + growth_chain_table(target) + pool_table(target) + advice_list(target);
  } else {
    text += "**Nothing was measured.** " + plain(why_nothing(target)) + "\n\nNext: " + next_step(target) + "\n\n";
  }
  return text + collector_table(target) + cost_paragraph(target, budget_cpu_ratio);
}

std::string whole_advice(const model::Advice& advice) {
  const auto list = [](const char* heading, const std::vector<std::string>& texts) {
    std::string line;
    for (const auto& text : texts) line += (line.empty() ? "" : "; ") + plain(text);
    return line.empty() ? "" : "  - " + (heading + line) + "\n";
  };
  const std::string gain = advice_gain(advice);
  return "- " + code(advice.subject) + " **" + plain(advice_action(advice)) + "**" +
         (gain.empty() ? "" : ", " + plain(gain)) + ": " + plain(advice.why) + "\n" +
         list("instead: ", advice.alternatives) + list("look again when: ", advice.reevaluate_when);
}

}  // namespace

std::string advice_markdown(const model::Snapshot& snapshot) {
  std::string text =
      "# Advice\n\npoolscope " + plain(snapshot.agent.version) + ", " + utc_time(snapshot.time_unix_ns) + "\n";
  for (const auto& target : snapshot.targets) {
    text += "\n## " + plain(target.name) + "\n\n";
    if (target.advice.empty()) text += no_advice() + std::string("\n");
    for (const auto& advice : target.advice) text += whole_advice(advice);
    for (const auto& outcome : target.advice_outcomes) text += "- done: " + plain(outcome_text(outcome)) + "\n";
  }
  return text;
}

std::string report_markdown(const model::Snapshot& snapshot) {
  const bool is_exact = !snapshot.targets.empty() && std::ranges::all_of(snapshot.targets, &TargetSnapshot::exact);
  std::string text =
      "# Allocation report\n\npoolscope " + plain(snapshot.agent.version) + ", " + utc_time(snapshot.time_unix_ns);
  text += is_exact ? ", every event traced, no budget\n\n"
                   : ", budget " + format_ratio(snapshot.agent.budget_cpu_ratio) + " of each target's CPU\n\n";
  if (snapshot.targets.empty()) text += "No target.\n\n";
  for (const auto& target : snapshot.targets) text += target_section(target, snapshot.agent.budget_cpu_ratio);
  text.pop_back();  // the blank line after the last section
  return text;
}

}  // namespace poolscope::text
