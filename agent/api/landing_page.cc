#include "agent/api/landing_page.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <vector>

#include "agent/api/landing_style.h"
#include "exporters/text/pool_wording.h"
#include "exporters/text/report.h"
#include "exporters/text/wording.h"

namespace poolscope::api {
namespace {

using model::MaybeEstimate;
using text::format_bytes;
using text::format_count;
using text::format_ratio;
using text::format_seconds;

using Format = std::string (*)(double);

constexpr std::size_t kMaxTargets = 100;   // shown; /metrics and the API have them all
constexpr std::size_t kMaxProcesses = 10;  // shown per target
constexpr std::size_t kMaxCallSites = 10;
constexpr std::size_t kMaxPools = 10;

std::string tag(const char* name, const std::string& content) {
  return std::string("<") + name + ">" + content + "</" + name + ">";
}

std::string span(const std::string& kind, const std::string& content) {
  return "<span class=\"" + kind + "\">" + content + "</span>";
}

std::string row(const std::string& name, const std::string& content) {
  return "<tr><th scope=\"row\">" + name + "</th><td>" + content + "</td></tr>\n";
}

std::string table(const std::string& rows) {
  return "<div class=\"wide\"><table>\n" + rows + "</table></div>\n";
}

// Where the rest of a list is, `separator` in front; empty when all of it is shown.
std::string left_out(const char* separator, std::size_t shown, std::size_t all) {
  if (shown >= all) return {};
  return separator + ("the first " + std::to_string(shown)) + " of " + std::to_string(all) +
         "; all of them are in the <a href=\"/api/v1/snapshot\">snapshot</a>";
}

std::string number(std::uint64_t bytes) {
  return format_bytes(static_cast<double>(bytes));
}

std::string time_utc(std::uint64_t unix_ns) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ns / 1'000'000'000);
  std::tm utc{};
  std::array<char, 32> out{};
  if (::gmtime_r(&seconds, &utc) == nullptr) return "at an unknown time";
  std::strftime(out.data(), out.size(), "%Y-%m-%d %H:%M:%S UTC", &utc);
  return out.data();
}

// The value with its interval, or why there is none.
std::string estimate(const MaybeEstimate& value, Format format, const char* per, const std::string& why_absent) {
  if (!value) return why_absent;
  std::string out = tag("b", escape_html(format(value->value) + per));
  if (value->low && value->high) {
    out += " <span class=\"quiet\">(" + escape_html(format(*value->low) + " to " + format(*value->high) + per) +
           ")</span>";
  } else {
    out += " " + span("quiet", "(interval not known yet)");
  }
  return out;
}

std::string collector_says(const model::CollectorStatus& collector) {
  return collector.detail.empty() ? collector.reason : collector.detail;
}

// Of malloc and its relatives: what a runtime counts is in the table of its collector.
bool is_measured(const model::AllocationSummary& allocations) {
  if (allocations.source == "runtime") return false;
  return allocations.per_second || allocations.bytes_per_second || allocations.frees_per_second ||
         allocations.churn_ratio || allocations.size_bytes || allocations.lifetime;
}

// Allocations come from alloc_bursts; its state is the reason when they are missing. Go programs have no malloc.
std::string why_not_measured(const model::TargetSnapshot& target) {
  std::string why = "no alloc_bursts collector for this target";
  for (const model::CollectorStatus& collector : target.collectors) {
    if (collector.name != "alloc_bursts") continue;
    why = collector_says(collector);
    if (why.empty()) why = "no burst has measured it yet";
  }
  if (target.runtime == "go" && !is_measured(target.allocations)) why = text::why_no_allocations(target);
  return span("quiet", "not measured: " + escape_html(why));
}

std::string age_or_beyond(const std::optional<double>& seconds, const model::LifetimeSummary& lifetime) {
  return seconds ? format_seconds(*seconds) : "above " + format_seconds(lifetime.identified_below_seconds);
}

std::string lifetime_cell(const std::optional<model::LifetimeSummary>& lifetime, const std::string& why_absent) {
  if (!lifetime) return why_absent;
  std::string out = "p50 " + tag("b", escape_html(age_or_beyond(lifetime->p50_seconds, *lifetime))) + " &middot; p95 " +
                    tag("b", escape_html(age_or_beyond(lifetime->p95_seconds, *lifetime)));
  for (const auto& [age_seconds, share] : lifetime->below) {
    out += " &middot; " + escape_html(format_ratio(share.value) + " within " + format_seconds(age_seconds));
  }
  return out;
}

std::string sizes_cell(const std::optional<model::SizeSummary>& sizes, const std::string& why_absent) {
  if (!sizes) return why_absent;
  return "p50 " + tag("b", number(sizes->p50)) + " &middot; p95 " + tag("b", number(sizes->p95)) + " &middot; p99 " +
         tag("b", number(sizes->p99));
}

std::string churn_name(const model::AllocationSummary& allocations) {
  if (!allocations.churn_age_seconds) return "churn";
  return "churn (bytes dead within " + escape_html(format_seconds(*allocations.churn_age_seconds)) + ")";
}

std::string allocation_table(const model::TargetSnapshot& target) {
  const model::AllocationSummary& allocations = target.allocations;
  const std::string why = why_not_measured(target);
  // the table of the garbage collector says what is allocated
  if (!is_measured(allocations) && target.gc) return {};
  if (!is_measured(allocations)) return tag("p", "Allocations: " + why) + "\n";
  std::string rows;
  rows += row("allocations", estimate(allocations.per_second, format_count, "/s", why));
  rows += row("bytes", estimate(allocations.bytes_per_second, format_bytes, "/s", why));
  rows += row("frees", estimate(allocations.frees_per_second, format_count, "/s", why));
  rows += row(churn_name(allocations), estimate(allocations.churn_ratio, format_ratio, "", why));
  rows += row("sizes", sizes_cell(allocations.size_bytes, why));
  rows += row("lifetimes", lifetime_cell(allocations.lifetime, why));
  return table(rows);
}

std::string gc_table(const model::TargetSnapshot& target) {
  std::string rows;
  for (const text::Quantity& quantity : text::gc_quantities(target)) {
    const std::string value = quantity.value.empty() ? "" : tag("b", escape_html(quantity.value)) + " ";
    rows += row(quantity.name, value + span("quiet", escape_html(quantity.note)));
  }
  return rows.empty() ? rows : table(rows);
}

std::string pool_name(const model::PoolSummary& pool, bool exact) {
  std::string out = tag("code", escape_html(pool.name));
  if (const auto label = text::pool_label(pool); !label.empty()) {
    out += " " + span("quiet", escape_html(label));
  }
  if (const auto remark = text::remarkable(pool, exact); !remark.empty()) out += "<br>" + escape_html(remark);
  if (const auto why = text::small_print(pool); !why.empty()) {
    out += "<br>" + span("quiet", escape_html(why));
  }
  return out;
}

std::string pool_row(const model::PoolSummary& pool, bool exact) {
  const auto count = [&](std::optional<std::uint64_t> counted, const MaybeEstimate& rate) -> std::string {
    if (exact) return counted ? format_count(static_cast<double>(*counted)) : "–";
    return rate ? format_count(rate->value) : "–";
  };
  std::string cells = tag("td", pool_name(pool, exact));
  const std::string interval = text::hit_ratio_interval(pool);
  for (const std::string& cell :
       {count(pool.counted.gets, pool.gets_per_second),
        text::hit_ratio_text(pool) + (interval.empty() ? "" : " " + interval),
        count(pool.counted.misses, pool.misses_per_second), count(pool.counted.puts, pool.puts_per_second),
        text::p50_and_p95(pool.needed_bytes), text::p50_and_p95(pool.buffer_bytes),
        count(pool.counted.regrowths, pool.regrowths_per_second),
        pool.thrown_away_per_gc ? format_count(*pool.thrown_away_per_gc) : std::string("–")}) {
    cells += tag("td", escape_html(cell));
  }
  return tag("tr", cells) + "\n";
}

std::string pools(const model::TargetSnapshot& target) {
  const auto sorted = text::sorted_pools(target);
  if (sorted.empty()) return {};
  const std::string per = target.exact ? "</th>" : "/s</th>";
  std::string rows = "<tr><th>pool</th><th>gets" + per + "<th>hit ratio</th><th>misses" + per + "<th>puts" + per +
                     "<th>length</th><th>capacity</th><th>grew" + per + "<th>gone per GC</th></tr>\n";
  const std::size_t shown = std::min(sorted.size(), kMaxPools);
  for (std::size_t i = 0; i < shown; ++i) rows += pool_row(*sorted[i], target.exact);
  return tag("h3", "Pools") + table(rows) + "<p class=\"quiet\">length and capacity: p50 / p95 at put" +
         left_out("; ", shown, sorted.size()) + "</p>\n";
}

std::string site_name(const model::CallSite& site) {
  std::string out = tag("code", escape_html(site.symbol.empty() ? "(no symbol)" : site.symbol));
  const std::string place = site.source.empty() ? site.object : site.source;
  if (!place.empty()) out += " " + span("quiet", escape_html(place));
  return out;
}

std::string call_sites(const model::TargetSnapshot& target) {
  if (target.call_sites.empty()) return {};
  std::string rows = "<tr><th>call site</th><th>share</th><th>per second</th><th>bytes per second</th></tr>\n";
  const std::size_t shown = std::min(target.call_sites.size(), kMaxCallSites);
  for (std::size_t i = 0; i < shown; ++i) {
    const model::CallSite& site = target.call_sites[i];
    const auto value = [](const MaybeEstimate& e, Format format) {
      return e ? escape_html(format(e->value)) : "&ndash;";
    };
    rows += tag("tr", tag("td", site_name(site)) + tag("td", escape_html(format_ratio(site.share_ratio))) +
                          tag("td", value(site.per_second, format_count)) +
                          tag("td", value(site.bytes_per_second, format_bytes))) +
            "\n";
  }
  const std::string rest = left_out("", shown, target.call_sites.size());
  return tag("h3", "Call sites") + table(rows) + (rest.empty() ? "" : "<p class=\"quiet\">" + rest + "</p>\n");
}

std::string collectors(const model::TargetSnapshot& target) {
  if (target.collectors.empty()) return {};
  std::string rows;
  for (const model::CollectorStatus& collector : target.collectors) {
    const std::string state = model::state_name(collector.state);
    const std::string note = text::collector_note(target, collector);
    rows += row(escape_html(collector.name) + " " + span("quiet", escape_html(collector.level)),
                span(state, state) + " " + escape_html(note.empty() ? collector.reason : note));
  }
  return tag("h3", "Collectors") + table(rows);
}

std::string cost_line(const model::Cost& cost, double budget_cpu_ratio) {
  if (cost.probe_hits == 0 && cost.observed_seconds <= 0) return "<p>Cost of measuring: nothing was probed yet.</p>\n";
  std::string out = "<p>Cost of measuring: " + tag("b", escape_html(text::charge_text(cost))) + " (budget " +
                    escape_html(format_ratio(budget_cpu_ratio)) + "), " +
                    escape_html(format_count(static_cast<double>(cost.probe_hits))) + " probe hits in " +
                    escape_html(format_seconds(cost.window_seconds)) + " of windows, observed for " +
                    escape_html(format_seconds(cost.observed_seconds));
  std::uint64_t dropped = 0;
  for (const auto& [reason, count] : cost.dropped) dropped += count;
  if (dropped > 0) out += ", " + escape_html(format_count(static_cast<double>(dropped))) + " events dropped";
  return out + ".</p>\n";
}

std::string process_list(const std::vector<model::ProcessInfo>& processes) {
  if (processes.empty()) return "no process found";
  std::string out = processes.size() == 1 ? "process" : std::to_string(processes.size()) + " processes:";
  for (std::size_t i = 0; i < std::min(processes.size(), kMaxProcesses); ++i) {
    out += (i == 0 ? " " : ", ") + std::to_string(processes[i].key.pid);
    if (!processes[i].command.empty()) out += " (" + escape_html(processes[i].command) + ")";
  }
  return out + (processes.size() > kMaxProcesses ? ", ..." : "");
}

std::string target_section(const model::TargetSnapshot& target, double budget_cpu_ratio) {
  const auto or_unknown = [](const std::string& text, const char* unknown) {
    return text.empty() ? unknown : escape_html(text);
  };
  std::string meta = or_unknown(target.runtime, "runtime unknown") + " &middot; ";
  // a Go program has no other allocator than its runtime
  if (target.runtime != "go" || !target.allocator.empty()) {
    meta += or_unknown(target.allocator, "allocator unknown") + " &middot; ";
  }
  meta += process_list(target.processes);
  if (target.exact) meta += " &middot; every event traced";
  return "<section>\n" + tag("h2", escape_html(target.name)) + "\n<p class=\"quiet\">" + meta + "</p>\n" +
         allocation_table(target) + gc_table(target) + call_sites(target) + pools(target) + collectors(target) +
         cost_line(target.cost, budget_cpu_ratio) + "</section>\n";
}

std::string targets_part(const model::Snapshot& snapshot) {
  if (snapshot.targets.empty()) return "<p>No target is configured or none was found.</p>\n";
  std::string out;
  for (std::size_t i = 0; i < std::min(snapshot.targets.size(), kMaxTargets); ++i) {
    out += target_section(snapshot.targets[i], snapshot.agent.budget_cpu_ratio);
  }
  if (snapshot.targets.size() > kMaxTargets) {
    out += "<p>" + std::to_string(snapshot.targets.size() - kMaxTargets) +
           " more targets are in the <a href=\"/api/v1/snapshot\">snapshot</a>.</p>\n";
  }
  return out;
}

std::string agent_line(const model::Snapshot& snapshot) {
  return "<p class=\"quiet\">snapshot " + std::to_string(snapshot.agent.sequence) + " of " +
         time_utc(snapshot.time_unix_ns) + " &middot; agent " + escape_html(snapshot.agent.version) +
         " &middot; the agent itself used " + escape_html(format_seconds(snapshot.agent.cpu_seconds)) + " of CPU</p>\n";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      // Control characters are no part of HTML; a name that holds them is shown, not obeyed.
      default:
        out += (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') || c == 0x7f ? '?' : c;
    }
  }
  return out;
}

std::string landing_page(const model::Snapshot* snapshot, const std::optional<std::string>& waiting_for) {
  std::string out = kPageHead;
  out +=
      "<nav><a href=\"/metrics\">/metrics</a> <a href=\"/api/v1/snapshot\">/api/v1/snapshot</a> "
      "<a href=\"/api/v1/history?limit=10\">/api/v1/history</a> <a href=\"/-/ready\">/-/ready</a></nav>\n";
  if (waiting_for) out += "<p class=\"waiting\">Not ready: " + escape_html(*waiting_for) + ".</p>\n";
  if (snapshot != nullptr) out += targets_part(*snapshot) + agent_line(*snapshot);
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace poolscope::api
