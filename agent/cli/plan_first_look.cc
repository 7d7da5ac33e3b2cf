#include "agent/cli/plan_first_look.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "agent/estimate/cpu_share.h"
#include "agent/estimate/hot_allocator.h"
#include "agent/sampler/cpu_monitor.h"
#include "agent/sampler/undilated.h"
#include "exporters/text/report.h"
#include "probes/collectors/alloc_bursts.h"
#include "probes/collectors/cpu_clock.h"
#include "probes/process/monotonic_clock.h"

namespace poolscope::cli {
namespace {

constexpr std::uint64_t kBetweenLooksNs = 150'000'000;
// Prices scatter by as much from one moment to another: where probes are most of a burst, what is left for the rest is a difference of
// two nearly equal times, and only its upper end is known.
constexpr double kPriceDoubt = 0.3, kMostCharge = 0.5;
// Of its CPU time: enough for a share, and an end where it stops running.
constexpr std::uint64_t kLongestSamplingNs = 4'000'000'000;
constexpr std::uint64_t kUsualFollowNs = 12'000'000;  // as a watch follows lives

struct FirstLook {
  double per_cpu_second = 0;     // at least so many, if is_at_least
  double likely_per_second = 0;  // by which bursts are planned
  bool is_at_least = false;
  double cpu_per_second = 0;  // of the process, between the first and the last look
  unsigned bursts = 0;
  std::uint64_t hits = 0, charge_ns = 0;
  bool ran = false;
  std::vector<model::BurstRecord> records;
  std::optional<std::string> too_hot;  // samples of its CPU time contradict what probes were charged with
};

std::string nanoseconds(double ns) {
  return text::format_seconds(ns * 1e-9);
}

// By the hottest window so far.
void tell_rate(std::uint64_t calls, const model::Window& window, double own_share, FirstLook& found) {
  const auto cpu_ns = static_cast<double>(window.cpu_ns), charge_ns = static_cast<double>(window.charge_ns);
  const bool is_mostly_probes = charge_ns > kMostCharge * cpu_ns;
  const double sure = sampler::per_undilated_second(calls, window, is_mostly_probes ? 1 - kPriceDoubt : 1);
  found.is_at_least |= is_mostly_probes;
  found.per_cpu_second = std::max(found.per_cpu_second, sure);
  found.likely_per_second =
      std::max(found.likely_per_second, sampler::per_undilated_second(calls, window, 1, own_share));
}

// Whether the share that probes took can be believed: by samples of its CPU time, without probes and as a watch asks.
std::optional<std::string> why_too_hot(sampler::Probing& probing, sampler::WatchedProcess& watched,
                                       const FirstLook& found) {
  const auto samples = probing.cpu_samples();
  if (!samples) return std::nullopt;
  const auto watch = (*samples)->watch(watched.key().pid);
  if (watch == nullptr) return std::nullopt;
  std::array<model::CpuShareRecord, 1> sums;
  const std::uint64_t end_ns = process::monotonic_ns() + kLongestSamplingNs;
  for (std::uint64_t now_ns = 0; sums[0].samples < estimate::kFewestCpuSamples && now_ns < end_ns;) {
    process::sleep_until_ns(process::monotonic_ns() + kBetweenLooksNs);
    now_ns = process::monotonic_ns();
    (*samples)->poll(now_ns);
    sampler::count_places(watch->take().places, watched.code_parts(probing), sums[0]);
  }
  std::vector<const model::BurstRecord*> records;
  for (const auto& record : found.records) records.push_back(&record);
  return estimate::why_charge_is_too_low(records, estimate::PriceCheck{}, estimate::estimate_cpu_share(sums));
}

// By the hottest of some bursts: a CPU that was taken away meanwhile makes a window look calm.
Result<FirstLook, std::string> look(sampler::Probing& probing, sampler::WatchedProcess& watched,
                                    const budget::BurstPrices& prices, const budget::BurstBudget& budget) {
  probes::AllocBursts bursts(probing.programs(), probing.detacher(), probing.calibration().costs);
  auto clock = probing.open_cpu_clock(watched.key().pid);
  if (!clock) return Failure{process::describe(clock.error())};
  probes::CallerSteps steps;
  const probes::BurstTarget target{watched.image(), *watched.plan(), *clock, steps};
  const auto plan = *budget::plan_rate({}, prices, budget).plan;
  const auto pace = budget::plan_pace(budget, 1);
  FirstLook found;
  const std::uint64_t start_ns = process::monotonic_ns();
  (void)watched.take_cpu_ns();
  sampler::Saturation saturation;
  std::uint64_t cpu_ns = 0;
  const auto used_per_second = [&] {
    cpu_ns += watched.take_cpu_ns().value_or(0);
    return static_cast<double>(cpu_ns) / static_cast<double>(process::monotonic_ns() - start_ns);
  };
  std::optional<std::string> error;
  for (unsigned looks = 0; looks < kFirstLooks; ++looks) {
    if (found.ran && !found.is_at_least && found.bursts >= kFewestLooks) break;
    process::sleep_until_ns(process::monotonic_ns() + kBetweenLooksNs);
    const auto record = bursts.rate(target, {plan.length_ns, plan.hit_limit, {pace.window_ns, pace.charge_ns}});
    if (!record) {
      error = record.error().detail;
      continue;
    }
    ++found.bursts;
    found.hits += record->probe_hits;
    found.charge_ns += record->charge_ns;
    const model::Window& window = record->allocation_window;
    found.records.push_back(*record);
    if (window.cpu_ns <= window.length_ns / 10) continue;
    found.ran = true;
    tell_rate(record->counts.allocations + record->counts.reallocations, window,
              saturation.note(window, 1, used_per_second()), found);
  }
  if (found.bursts == 0 && error) return Failure{*error};
  found.cpu_per_second = used_per_second();
  return found;
}

template <typename Plan>
std::string refused(const budget::PlanOrRefusal<Plan>& planned) {
  const bool is_refused = planned.refusal.reason == budget::Refusal::Reason::kTooHot;
  return (is_refused ? "" : "at first ") + planned.refusal.detail + "\n";
}

std::string levels(const FirstLook& found, const budget::BurstPrices& prices, budget::BurstBudget budget) {
  budget.used_cpus = found.cpu_per_second;
  budget::HitRate allocations;
  allocations.observe(found.likely_per_second, 0);
  allocations.observe_all(static_cast<std::uint64_t>(found.likely_per_second * found.cpu_per_second), 1'000'000'000);
  const auto rates = budget::plan_rate(allocations, prices, budget);
  const auto cohorts =
      budget::plan_cohort(allocations, {}, prices, budget, {budget::kLeastFollowNs, kUsualFollowNs, kUsualFollowNs});
  std::string rates_text = found.too_hot.value_or("") + "\n", cohorts_text = rates_text;
  if (!rates.plan)
    rates_text = refused(rates);
  else if (!found.too_hot)
    rates_text =
        fmt::format("bursts of {}, {:.2f}x slower inside\n", nanoseconds(static_cast<double>(rates.plan->length_ns)),
                    1 + found.likely_per_second * prices.allocation_ns * 1e-9);
  if (!cohorts.plan)
    cohorts_text = refused(cohorts);
  else if (!found.too_hot)
    cohorts_text =
        fmt::format("births for {}, followed for {}\n", nanoseconds(static_cast<double>(cohorts.plan->births_ns)),
                    nanoseconds(static_cast<double>(cohorts.plan->follow_ns)));
  return "    L2 rates      " + rates_text + "    L2 lifetimes  " + cohorts_text;
}

}  // namespace

std::string first_look_text(sampler::Probing& probing, sampler::WatchedProcess& watched,
                            const budget::BurstPrices& prices, const budget::BurstBudget& budget, double cpu_ratio) {
  auto found = look(probing, watched, prices, budget);
  if (!found) return "  rate now: not known: " + found.error() + "\n";
  const std::string cost = fmt::format("{} first burst(s) of 1 ms: {} probe hits, {} of its CPU time", found->bursts,
                                       found->hits, nanoseconds(static_cast<double>(found->charge_ns)));
  if (!found->ran) return "  rate now: not known: it hardly ran meanwhile (" + cost + ")\n";
  std::string text = fmt::format("  rate now: {} {} allocations per CPU second, {:.2f} CPUs used ({})\n",
                                 found->is_at_least ? "more than" : "about", text::format_count(found->per_cpu_second),
                                 found->cpu_per_second, cost);
  if (found->is_at_least) found->too_hot = why_too_hot(probing, watched, *found);
  text += levels(*found, prices, budget);
  return text + fmt::format("    cost          at most {} of its CPU time: {} per second as it runs now\n",
                            text::format_ratio(cpu_ratio), nanoseconds(cpu_ratio * found->cpu_per_second * 1e9));
}

}  // namespace poolscope::cli
