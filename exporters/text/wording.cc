#include "exporters/text/wording.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <functional>
#include <iterator>

#include "exporters/text/format.h"
#include "exporters/text/line.h"
#include "exporters/text/report.h"

namespace poolscope::text {
namespace {

using model::MaybeEstimate;
using model::TargetSnapshot;
using Format = std::string (*)(double);

constexpr const char* kAllocationCollector = "alloc_bursts";
constexpr const char* kRuntimeCollector = "go_runtime";
constexpr const char* kRuntimeSource = "runtime";  // AllocationSummary::source

std::string plural(std::uint64_t count, const char* noun) {
  return format_exact(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

std::uint64_t bursts_taken(const model::Cost& cost) {
  const auto taken = cost.bursts.find("taken");
  return taken == cost.bursts.end() ? 0 : taken->second;
}

// "target_idle 3, no_tokens 1"
std::string counts_text(const std::map<std::string, std::uint64_t>& counts, const std::string& without = "") {
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts) {
    if (name != without && count > 0) parts.push_back(printable(name) + " " + format_exact(count));
  }
  return joined(parts, ", ");
}

const model::CollectorStatus* collector_named(const TargetSnapshot& target, const char* name) {
  const auto found = std::ranges::find(target.collectors, name, &model::CollectorStatus::name);
  return found == target.collectors.end() ? nullptr : &*found;
}

const model::CollectorStatus* allocation_collector(const TargetSnapshot& target) {
  return collector_named(target, kAllocationCollector);
}

bool is_go(const TargetSnapshot& target) {
  return target.runtime == "go";
}

// The one that would know what the target allocates: malloc says nothing of a Go program.
const model::CollectorStatus* heap_collector(const TargetSnapshot& target) {
  const auto* runtime = is_go(target) ? collector_named(target, kRuntimeCollector) : nullptr;
  return runtime != nullptr ? runtime : allocation_collector(target);
}

std::string status_text(const model::CollectorStatus& collector) {
  std::string text = printable(collector.name) + " is " + model::state_name(collector.state);
  const std::string cause = printable(collector.detail.empty() ? collector.reason : collector.detail);
  return cause.empty() ? text : text + ": " + cause;
}

// Why one quantity is absent although the target was looked at.
std::string why_absent(const TargetSnapshot& target) {
  const auto* collector = allocation_collector(target);
  if (collector != nullptr && collector->state == model::CollectorState::kUnavailable) return status_text(*collector);
  if (target.exact) return "not identified from the events that were traced";
  const std::uint64_t bursts = bursts_taken(target.cost);
  return bursts == 0 ? "no burst was taken" : "not identified from " + plural(bursts, "burst");
}

std::string interval_text(const TargetSnapshot& target, const model::Estimate& estimate, Format format) {
  if (estimate.low && estimate.high) return format(*estimate.low) + " – " + format(*estimate.high);
  if (target.exact) return "";
  return "no interval yet from " + plural(bursts_taken(target.cost), "burst");
}

Quantity estimated(const TargetSnapshot& target, const char* name, const MaybeEstimate& estimate, Format format,
                   const char* per) {
  Quantity quantity{name, {}, {}, {}};
  if (!estimate) {
    quantity.note = "not measured: " + why_absent(target);
    return quantity;
  }
  quantity.value = format(estimate->value) + per;
  quantity.interval = interval_text(target, *estimate, format);
  return quantity;
}

Quantity counted(const char* name, const std::string& count, const MaybeEstimate& rate, Format format) {
  Quantity quantity{name, count, {}, "every one counted"};
  if (rate) quantity.note += ", " + format(rate->value) + "/s";
  return quantity;
}

void add_counted(std::vector<Quantity>& list, const TargetSnapshot& target) {
  const auto& all = target.allocations;
  list.push_back(counted("allocations", format_exact(all.counted.allocations), all.per_second, format_count));
  list.push_back(counted("allocated", format_bytes(static_cast<double>(all.counted.allocated_bytes)),
                         all.bytes_per_second, format_bytes));
  list.push_back(counted("frees", format_exact(all.counted.frees), all.frees_per_second, format_count));
  if (all.counted.frees_of_older) {
    list.back().note += "; " + format_exact(*all.counted.frees_of_older) + " of blocks from before";
  }
  list.push_back(
      counted("reallocations", format_exact(all.counted.reallocations), all.reallocations_per_second, format_count));
}

void add_rates(std::vector<Quantity>& list, const TargetSnapshot& target) {
  const auto& all = target.allocations;
  list.push_back(estimated(target, "allocations", all.per_second, format_count, "/s"));
  list.push_back(estimated(target, "allocated", all.bytes_per_second, format_bytes, "/s"));
  list.push_back(estimated(target, "frees", all.frees_per_second, format_count, "/s"));
  list.push_back(estimated(target, "reallocations", all.reallocations_per_second, format_count, "/s"));
}

void add_allocations(std::vector<Quantity>& list, const TargetSnapshot& target) {
  const auto& all = target.allocations;
  target.exact ? add_counted(list, target) : add_rates(list, target);
  list.push_back(estimated(target, "churn", all.churn_ratio, format_ratio, ""));
  if (all.churn_ratio) {
    list.back().note = "of the bytes are freed";
    if (all.churn_age_seconds) list.back().note += " within " + format_seconds(*all.churn_age_seconds);
  }
  if (all.heap_turnover_per_second) {
    list.push_back(estimated(target, "heap turnover", all.heap_turnover_per_second, format_count, "/s"));
  } else {
    list.push_back({"heap turnover", {}, {}, "not measured: the live bytes of the heap are not known"});
  }
}

// Beside those of Go programs.
void say_that_they_are_native(std::vector<Quantity>& list) {
  for (Quantity& quantity : list) quantity.note += quantity.note.empty() ? "native programs" : "; native programs";
}

// `value` of the garbage collector, or that it is missing; a collector that reads the runtime may say more.
Quantity of_runtime(const TargetSnapshot& target, const char* name, const std::optional<std::string>& value,
                    std::string note, std::string otherwise = "the runtime did not give it") {
  if (value) return {name, *value, {}, std::move(note)};
  const auto* collector = collector_named(target, kRuntimeCollector);
  const std::string detail = collector != nullptr ? printable(collector->detail) : "";
  if (!detail.empty()) otherwise = detail;
  if (target.gc->cycles == 0) otherwise = "no collection has run yet";
  return {name, {}, {}, "not measured: " + otherwise};
}

std::optional<std::string> formatted(const std::optional<double>& value, Format format, const char* per = "") {
  if (!value) return std::nullopt;
  return format(*value) + per;
}

std::string bytes_text(std::uint64_t bytes) {
  return format_bytes(static_cast<double>(bytes));
}

constexpr const char* kSinceStart = "since the program started";

// Objects have a line where there is a rate: of them, or of bytes alone.
void add_objects_by_runtime(std::vector<Quantity>& list, const model::GcSummary& gc, const std::string& total) {
  if (gc.allocated_objects_per_second) {
    const std::string before = gc.allocated_objects ? total + " " + kSinceStart + ", " : "";
    list.push_back(
        {"allocations", format_count(*gc.allocated_objects_per_second) + "/s", {}, before + "counted by the runtime"});
  } else if (gc.allocated_bytes_per_second) {
    list.push_back({"allocations",
                    {},
                    {},
                    "not measured: the runtime's counts of objects could not be read in one piece while the program "
                    "allocated, or before it ended"});
  }
}

// What the runtime counts: rates with the totals beside them; the totals alone where nothing was booked meanwhile.
void add_allocated_by_runtime(std::vector<Quantity>& list, const TargetSnapshot& target) {
  const model::GcSummary& gc = *target.gc;
  std::vector<std::string> totals;
  if (gc.allocated_bytes) totals.push_back(bytes_text(*gc.allocated_bytes));
  if (gc.allocated_objects) totals.push_back(format_count(static_cast<double>(*gc.allocated_objects)) + " objects");
  add_objects_by_runtime(list, gc, totals.empty() ? "" : totals.back());
  if (gc.allocated_bytes_per_second) {
    list.push_back({"allocated",
                    format_bytes(*gc.allocated_bytes_per_second) + "/s",
                    {},
                    gc.allocated_bytes ? totals.front() + " " + kSinceStart : ""});
  } else if (totals.empty()) {
    list.push_back(of_runtime(target, "allocated", std::nullopt, ""));
  } else {
    list.push_back(
        {"allocated",
         totals.front(),
         {},
         (totals.size() > 1 ? "in " + totals.back() + " " : "") + kSinceStart +
             "; no rate: nothing was booked while it was watched (Go books what is allocated when a span of memory is "
             "full or a collection runs)"});
  }
}

std::string heap_note(const model::GcSummary& gc) {
  std::string note = gc.heap_of_ended_process ? "when the last process ended" : "";
  if (gc.goal_bytes) {
    note +=
        gc.heap_of_ended_process ? "; the next collection would have started at " : "the next collection starts at ";
    note += bytes_text(*gc.goal_bytes);
  }
  std::vector<std::string> settings;
  if (gc.gogc_percent) settings.push_back("GOGC " + format_count(*gc.gogc_percent));
  if (gc.memory_limit_bytes) settings.push_back("limit " + bytes_text(*gc.memory_limit_bytes));
  if (settings.empty()) return note;
  return note + (note.empty() ? "" : " ") + "(" + joined(settings, ", ") + ")";
}

}  // namespace

std::string utc_time(std::uint64_t unix_ns) {
  const auto seconds = static_cast<std::time_t>(unix_ns / 1'000'000'000);
  std::tm parts{};
  std::array<char, 64> text{};
  if (gmtime_r(&seconds, &parts) == nullptr) return "?";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

std::string identity(const TargetSnapshot& target) {
  constexpr std::size_t kMaxPids = 4;
  std::vector<std::string> parts;
  if (!target.runtime.empty()) parts.push_back(printable(target.runtime));
  if (!target.allocator.empty()) parts.push_back(printable(target.allocator));
  std::string processes =
      format_exact(target.processes.size()) + (target.processes.size() == 1 ? " process" : " processes");
  std::vector<std::string> pids;
  for (std::size_t i = 0; i < std::min(target.processes.size(), kMaxPids); ++i) {
    pids.push_back(std::to_string(target.processes[i].key.pid));
  }
  if (target.processes.size() > kMaxPids) pids.emplace_back("…");
  if (!pids.empty()) processes += " (pid " + joined(pids, ", ") + ")";
  parts.push_back(std::move(processes));
  for (const auto& [name, value] : target.labels) parts.push_back(printable(name) + "=" + printable(value));
  return joined(parts, ", ");
}

std::string location(const std::string& object, std::uint64_t offset) {
  if (object.empty()) return "";
  std::array<char, 32> hex{};
  std::snprintf(hex.data(), hex.size(), "+0x%llx", static_cast<unsigned long long>(offset));
  return printable(object.substr(object.rfind('/') + 1)) + hex.data();
}

std::string frame_name(const std::string& symbol, const std::string& object, std::uint64_t offset) {
  if (!symbol.empty()) return printable(symbol);
  return object.empty() ? "unknown code" : location(object, offset);
}

std::string why_no_allocations(const TargetSnapshot& target) {
  const auto* collector = heap_collector(target);
  if (collector == nullptr) {
    return is_go(target) ? "no collector reads the Go runtime" : "no collector of allocations runs on this target";
  }
  if (collector->state != model::CollectorState::kCollecting) return status_text(*collector);
  if (is_go(target)) return "nothing was read of the Go runtime yet";
  const std::uint64_t bursts = bursts_taken(target.cost);
  if (bursts > 0) return plural(bursts, "burst") + " saw no allocation";
  const std::string missing = counts_text(target.cost.bursts);
  return missing.empty() ? "no burst was due yet" : "no burst was taken: " + missing;
}

std::vector<Quantity> gc_quantities(const TargetSnapshot& target) {
  if (!target.gc) return {};
  const model::GcSummary& gc = *target.gc;
  std::vector<Quantity> list;
  add_allocated_by_runtime(list, target);
  list.push_back(of_runtime(target, "churn", formatted(gc.churn_ratio, format_ratio),
                            "of the bytes do not survive a collection",
                            "too few collections have run while it was watched"));
  if (const auto& turnover = target.allocations.heap_turnover_per_second;
      turnover && target.allocations.source == kRuntimeSource) {
    list.push_back(
        {"heap turnover", format_count(turnover->value) + "/s", {}, "allocated per second over the live heap"});
  }
  const auto live = gc.live_bytes ? std::optional(bytes_text(*gc.live_bytes)) : std::nullopt;
  list.push_back(of_runtime(target, "live heap", live, heap_note(gc)));
  std::string since = kSinceStart;
  if (gc.cycles > 0) since += "; they stopped it for " + format_seconds(gc.pause_seconds) + " in all";
  list.push_back({"collections", format_exact(gc.cycles), {}, std::move(since)});
  std::string share = "of the CPU time";
  if (gc.assist_cpu_ratio) {
    share += ", " + format_ratio(*gc.assist_cpu_ratio) + " in goroutines that helped";
  }
  list.push_back(of_runtime(target, "GC CPU", formatted(gc.cpu_ratio, format_ratio), std::move(share)));
  return list;
}

namespace {

// "allocator 7.9 %, copy 2 %"
std::string share_parts(const model::CpuShare& share) {
  std::vector<std::string> parts;
  const auto add = [&](const char* name, const MaybeEstimate& part) {
    if (part) parts.push_back(name + (" " + format_ratio(part->value)));
  };
  add("allocator", share.allocator);
  add("copy", share.copy);
  add("page faults", share.page_fault);
  add("GC", share.gc);
  return joined(parts, ", ");
}

void add_cpu_share(std::vector<Quantity>& list, const model::CpuShare& share) {
  constexpr const char* kName = "memory CPU";
  if (share.total && share.total->low && share.total->high) {
    list.push_back({kName, format_ratio(share.total->value),
                    format_ratio(*share.total->low) + " – " + format_ratio(*share.total->high),
                    share_parts(share) + "; pooling can save no more"});
  } else if (const std::string parts = share_parts(share); !parts.empty()) {
    list.push_back({kName, {}, {}, "in all not known; " + parts});
  }
}

}  // namespace

std::vector<Quantity> quantities(const TargetSnapshot& target) {
  std::vector<Quantity> list;
  if (allocations_were_measured(target)) {
    add_allocations(list, target);
    if (is_go(target)) say_that_they_are_native(list);
  } else if (!target.gc) {
    list.push_back({"allocations", {}, {}, "not measured: " + why_no_allocations(target)});
  }
  std::ranges::move(gc_quantities(target), std::back_inserter(list));
  if (target.cpu_seconds_per_second) {
    const double cores = std::round(*target.cpu_seconds_per_second * 1e4) / 1e4;  // more digits have no room
    list.push_back({"CPU", format_count(cores) + " cores", {}, "used by the target"});
  }
  if (target.cpu_share) add_cpu_share(list, *target.cpu_share);
  return list;
}

std::vector<std::string> freed_within(const model::LifetimeSummary& lifetime) {
  std::vector<std::string> ages;
  for (const auto& [seconds, share] : lifetime.below) {
    ages.push_back(format_seconds(seconds) + " " + estimate_text(share, format_ratio));
  }
  return ages;
}

const char* grown_by(const TargetSnapshot& target) {
  if (!is_go(target)) {
    const bool is_any_inferred = std::ranges::any_of(target.growth_chains, &model::GrowthChain::is_inferred);
    return is_any_inferred ? "buffers that grew by realloc, or by a new block, a copy and a free"
                           : "buffers that grew by realloc";
  }
  return allocations_were_measured(target) ? "slices that grew by append, buffers that grew by realloc"
                                           : "slices that grew by append";
}

bool allocations_were_measured(const TargetSnapshot& target) {
  const auto& all = target.allocations;
  if (all.source == kRuntimeSource) return false;
  return (target.exact && model::allocations_were_watched(target)) || all.per_second || all.bytes_per_second ||
         all.frees_per_second || all.churn_ratio || all.size_bytes || all.lifetime || !target.call_sites.empty() ||
         (!target.growth_chains.empty() && target.runtime != "go");
}

bool was_measured(const TargetSnapshot& target) {
  return allocations_were_measured(target) || target.gc || !target.pools.empty() || !target.growth_chains.empty();
}

std::string collector_note(const TargetSnapshot& target, const model::CollectorStatus& collector) {
  const auto evidence = std::ranges::find(target.evidence, collector.name, &model::BurstEvidence::collector);
  if (evidence == target.evidence.end() || !evidence->needed_bursts || target.processes.empty())
    return collector.detail;
  std::string note = plural(evidence->bursts, "burst") + ": " +
                     std::to_string(*evidence->needed_bursts - std::min(evidence->bursts, *evidence->needed_bursts)) +
                     " more for " + evidence->needed_for;
  if (evidence->needed_seconds) note += ", in about " + format_seconds(*evidence->needed_seconds);
  return collector.detail.empty() ? note : collector.detail + "; " + note;
}

std::string why_nothing(const TargetSnapshot& target) {
  if (target.processes.empty()) return "No process of this target was found.";
  std::string why = why_no_allocations(target) + ".";
  if (why.starts_with("no ") || why.starts_with("nothing ")) why.front() = 'N';
  return why;
}

std::string next_step(const TargetSnapshot& target) {
  if (target.processes.empty()) {
    return "Start the program, or compare the target's matcher with the running processes.";
  }
  const auto* collector = heap_collector(target);
  if (collector != nullptr && collector->state == model::CollectorState::kCollecting) {
    return "Watch longer (--for 60s), or watch while the target has work to do.";
  }
  return "`poolscope doctor` shows what can be measured on this machine, and what is missing for the rest.";
}

std::string charge_text(const model::Cost& cost) {
  // a program that ended at once has not told how much CPU time it used
  if (cost.charged_cpu_ratio) return format_ratio(*cost.charged_cpu_ratio) + " of the target's CPU";
  return format_seconds(cost.charged_cpu_seconds) + " of CPU time";
}

std::string cost_sentence(const TargetSnapshot& target, double budget_cpu_ratio) {
  const model::Cost& cost = target.cost;
  std::uint64_t dropped = 0;
  for (const auto& [reason, count] : cost.dropped) dropped += count;
  std::string text = "measuring cost " + charge_text(cost) + ", ";
  text += target.exact ? "every event traced without a budget; " : "budget " + format_ratio(budget_cpu_ratio) + "; ";
  if (!target.exact && !cost.bursts.empty()) text += plural(bursts_taken(cost), "burst") + ", ";
  text += plural(cost.probe_hits, "probe hit") + ", " + plural(dropped, "event") + " dropped";
  if (cost.coverage_ratio) text += "; coverage " + format_ratio(*cost.coverage_ratio);
  return text;
}

std::vector<std::string> cost_remarks(const model::Cost& cost) {
  std::vector<std::string> remarks;
  if (cost.measured_cpu_ratio) {
    remarks.push_back("a work counter of the target shows a loss of " +
                      estimate_text(cost.measured_cpu_ratio, format_ratio));
  }
  if (const auto missing = counts_text(cost.bursts, "taken"); !missing.empty()) {
    remarks.push_back("bursts not taken: " + missing);
  }
  if (const auto dropped = counts_text(cost.dropped); !dropped.empty()) remarks.push_back("events dropped: " + dropped);
  if (cost.clamped_windows > 0) {
    remarks.push_back(
        "in " + plural(cost.clamped_windows, "window") +
        " the charge came to more than 80 % of the CPU time and was cut there: treat the rates with care");
  }
  return remarks;
}

std::string estimate_text(const MaybeEstimate& estimate, Format format) {
  if (!estimate) return "–";
  std::string text = format(estimate->value);
  if (estimate->low && estimate->high) text += " (" + format(*estimate->low) + " – " + format(*estimate->high) + ")";
  return text;
}

std::vector<const model::CallSite*> sorted_call_sites(const TargetSnapshot& target) {
  std::vector<const model::CallSite*> sites;
  for (const auto& site : target.call_sites) sites.push_back(&site);
  const auto share = [](const model::CallSite* site) {
    return std::isfinite(site->share_ratio) ? site->share_ratio : -1;
  };
  std::ranges::stable_sort(sites, std::greater{}, share);
  return sites;
}

std::vector<const model::GrowthChain*> sorted_growth_chains(const TargetSnapshot& target) {
  std::vector<const model::GrowthChain*> chains;
  for (const auto& chain : target.growth_chains) chains.push_back(&chain);
  const auto copied = [](const model::GrowthChain* chain) {
    if (chain->counted_copied_bytes) return static_cast<double>(*chain->counted_copied_bytes);
    const double bytes = chain->copied_bytes_per_second ? chain->copied_bytes_per_second->value : -1;
    return std::isfinite(bytes) ? bytes : -1;
  };
  std::ranges::stable_sort(chains, std::greater{}, copied);
  return chains;
}

}  // namespace poolscope::text
