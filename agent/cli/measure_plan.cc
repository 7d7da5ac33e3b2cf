#include "agent/cli/measure_plan.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "agent/cli/go_plan.h"
#include "agent/cli/plan_first_look.h"
#include "agent/sampler/watched_process.h"
#include "exporters/text/report.h"
#include "probes/collectors/go_executable.h"

namespace poolscope::cli {
namespace {

std::string nanoseconds(std::uint64_t ns) {
  return text::format_seconds(static_cast<double>(ns) * 1e-9);
}

std::string function_lines(const probes::PlannedObject& object) {
  std::string lines = fmt::format("  {} ({})\n", object.name, object.allocator);
  for (const auto& function : object.functions) {
    lines += fmt::format("    {:<28} +{:<4} {:<24} {}\n", function.name,
                         function.entry.address - function.entry.function_address, function.entry.instruction,
                         cost_words(function.entry.cost));
  }
  return lines;
}

budget::BurstBudget burst_budget(const config::BudgetConfig& config) {
  budget::BurstBudget budget;
  budget.slowdown = config.burst_slowdown;
  budget.max_ns = static_cast<std::uint64_t>(config.burst_max_ms * 1e6);
  budget.follow_max_ns = static_cast<std::uint64_t>(config.follow_max_ms * 1e6);
  budget.tokens_ns = budget.capacity_ns = config.cpu_ratio * 1e9;  // the income of one second of one busy CPU
  return budget;
}

budget::BurstPrices prices_of(const probes::AllocatorPlan& plan, const probes::Calibration& calibration) {
  const auto prices = probes::prices_for(plan, calibration.costs);
  return {static_cast<double>(prices[ALLOC_HIT_RATE]),
          static_cast<double>(prices[ALLOC_HIT_ENTRY] + prices[ALLOC_HIT_RETURN]),
          static_cast<double>(prices[ALLOC_HIT_FREE])};
}

std::string native_plan(sampler::Probing& probing, const targets::TargetProcess& process,
                        const config::BudgetConfig& budget, PlanWith with) {
  sampler::WatchedProcess watched(process, /*is_new=*/false);
  watched.prepare(probing);
  std::optional<std::string> why_not, why_no_cohorts;
  if (watched.problem()) why_not = watched.problem()->detail;
  why_no_cohorts = why_not;
  if (!why_not && watched.under_seccomp()) why_no_cohorts = probing.seccomp_refusal();
  std::string text = collector_line({"alloc_bursts", kAllocationsGive, why_not}) +
                     collector_line({"alloc_cohorts", kCohortsGive, why_no_cohorts});
  if (why_not) return text;
  for (const auto& object : watched.plan()->objects) text += function_lines(object);
  const budget::BurstPrices prices = prices_of(*watched.plan(), probing.calibration());
  text += burst_lines("allocations per CPU second", prices, budget);
  if (with == PlanWith::kFirstLook)
    text += first_look_text(probing, watched, prices, burst_budget(budget), budget.cpu_ratio);
  return text;
}

std::string process_plan(sampler::Probing& probing, const targets::TargetProcess& process,
                         const config::BudgetConfig& budget, PlanWith with) {
  const auto image = probes::ProcessImage::read(process.key, probing.elf_cache());
  if (!image) return native_plan(probing, process, budget, with);
  const auto executable = probes::GoExecutable::open(*image);
  if (executable) return go_plan_text(probing, process.key, *executable, budget);
  if (executable.error().reason != probes::GoExecutableError::Reason::kUnusable)
    return native_plan(probing, process, budget, with);
  return collector_line({"go_pools", kPoolsGive, executable.error().detail}) +
         collector_line({"go_runtime", kRuntimeGives, executable.error().detail}) +
         collector_line({"go_growth", kGrowthGives, executable.error().detail});
}

}  // namespace

const char* cost_words(elf::CostClass cost) {
  return cost == elf::CostClass::kEmulated ? "one trap" : "single-stepped";
}

std::string price_text(sampler::Probing& probing) {
  const auto& costs = probing.calibration().costs;
  const std::uint64_t life_ns = costs.emulated_ns[ALLOC_HIT_ENTRY] + costs.emulated_ns[ALLOC_HIT_RETURN];
  std::string text = fmt::format("probes by {}; CPU time they take from the target, calibrated just now:\n",
                                 name_of(probing.calibration().mode));
  text += fmt::format("  counted allocation            {}\n", nanoseconds(costs.emulated_ns[ALLOC_HIT_RATE]));
  text += fmt::format("  counted free                  {}\n", nanoseconds(costs.emulated_ns[ALLOC_HIT_FREE]));
  text += fmt::format("  followed allocation           {} (entry and return)\n", nanoseconds(life_ns));
  if (const auto pools = probing.pool_programs()) {
    text += fmt::format("  get or put of a pool          {} (in order {} more)\n",
                        nanoseconds(probing.pool_hit_costs().emulated_ns), nanoseconds((*pools)->order_extra_ns()));
  }
  if (const auto samples = probing.cpu_samples())
    text += fmt::format("  sample of its CPU time        {} ({} per second of CPU time)\n",
                        nanoseconds((*samples)->price_ns()), 1'000'000'000 / probes::CpuSamples::kPeriodNs);
  if (costs.single_step_extra_ns != 0) {
    text += fmt::format("  more if single-stepped        {}\n", nanoseconds(costs.single_step_extra_ns));
  }
  return text;
}

std::string collector_line(const CollectorLine& line) {
  std::string text =
      fmt::format("  {:<14} {:<17} {}\n", line.name, line.why_not ? "WILL NOT COLLECT" : "WILL COLLECT", line.gives);
  if (line.why_not) text += fmt::format("  {:<14} {:<17} because {}\n", "", "", *line.why_not);
  return text;
}

std::string burst_lines(const std::string& events, const budget::BurstPrices& prices,
                        const config::BudgetConfig& config) {
  std::string lines = fmt::format("  {:<38}  {:<22}slowdown inside it\n", events, "burst");
  for (const double rate : {1e4, 1e5, 1e6, 1e7}) {
    budget::HitRate known;
    known.observe(rate, 0);
    const auto planned = budget::plan_rate(known, prices, burst_budget(config));
    lines += fmt::format("    {:<38}", text::format_count(rate));
    if (planned.plan) {
      lines +=
          fmt::format("{:<22}{:.2f}x\n", nanoseconds(planned.plan->length_ns), 1 + rate * prices.allocation_ns * 1e-9);
    } else {
      lines += planned.refusal.detail + "\n";
    }
  }
  return lines;
}

std::string plan_text(sampler::Probing& probing, const targets::TargetState& state, const config::BudgetConfig& budget,
                      PlanWith with) {
  std::string text = fmt::format("{}: {} process(es)\n", state.name, state.processes.size());
  std::set<std::string> shown;
  for (const auto& process : state.processes) {
    if (!shown.insert(process.executable).second) continue;
    text += fmt::format("\n{} (pid {}, {})\n", process.command, process.key.pid, process.executable);
    text += process_plan(probing, process, budget, with);
  }
  text += fmt::format("\nbudget: {} of the target's CPU time; the first burst lasts at most 1 ms or {} hits\n",
                      text::format_ratio(budget.cpu_ratio), budget::kFirstBurstHits);
  return text;
}

}  // namespace poolscope::cli
