#include "agent/budget/burst_plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/budget/token_bucket.h"

namespace poolscope::budget {
namespace {

constexpr double kLongestBirthsNs = 2e6;
constexpr double kLeastBusyCpus = 0.01;
constexpr double kMostlyWaits = 0.5, kCrowdReserve = 3, kCohortReserve = 4, kCrowdSavingSeconds = 4,
                 kCohortSavingSeconds = 8;
constexpr double kShortestFollowNs = 1e6;  // below that hardly any life ends inside
constexpr double kUnlimitedNs = 1e18;

// How much slower a thread runs: 0.5 means half again as long.
double extra(const HitRate& rate, double price_ns) {
  return rate.per_cpu_second() * price_ns * 1e-9;
}

// CPU time that probes take in `length_ns` of wall time.
double charge(double length_ns, double slower, const BurstBudget& budget) {
  return length_ns * std::max(budget.busy_cpus, kLeastBusyCpus) * slower / (1 + slower);
}

// Hits at which a burst ends: what the tokens pay for, and no more than kOvershoot times what is planned for a target that runs all the time,
// or what the pace lets through once. A target that became hot and shares its CPU does not get up to the pace.
std::uint64_t hit_limit(double planned_ns, double price_ns, const BurstBudget& budget) {
  const double busy_cpus = std::max(budget.busy_cpus, 1.0);
  const double once_ns = kHotShare * static_cast<double>(budget.max_ns) * busy_cpus;
  planned_ns *= busy_cpus / std::max(budget.busy_cpus, kLeastBusyCpus);
  const double most_ns = std::min(std::max(budget.tokens_ns, kOverdraftNs), std::max(kOvershoot * planned_ns, once_ns));
  return static_cast<std::uint64_t>(std::max(most_ns / std::max(price_ns, 1.0), 64.0));
}

double slowdown_cap_ns(const BurstBudget& budget) {
  return static_cast<double>(budget.max_ns) * (budget.slowdown - 1);
}

// Hits at which a burst ends that was paid for what its target does on average and may meet a crowd.
std::uint64_t crowd_hit_limit(double most_ns, double hit_ns) {
  return static_cast<std::uint64_t>(most_ns / std::max(hit_ns, 1.0));
}

bool waits_between_crowds(const HitRate& allocations, const BurstBudget& budget) {
  return budget.used_cpus < kMostlyWaits && allocations.per_second() > 0;
}

Refusal too_hot(double slower, const BurstBudget& budget) {
  return {
      Refusal::Reason::kTooHot,
      fmt::format(
          "L2 refused: probes would slow the target {:.1f}x; budget.burst_slowdown is {:.2g}x averaged over {:.3g} ms",
          1 + slower, budget.slowdown, static_cast<double>(budget.max_ns) * 1e-6),
      0};
}

Refusal no_tokens(double needed_ns, const BurstBudget& budget) {
  return {Refusal::Reason::kNoTokens,
          fmt::format("waiting for budget: a burst costs {:.2f} ms of CPU time, {:.2f} ms are saved", needed_ns * 1e-6,
                      std::max(budget.tokens_ns, 0.0) * 1e-6),
          needed_ns};
}

// How long the phases of a cohort may be, and what probes take of the target's CPUs in a nanosecond of them.
struct CohortShape {
  double births_ns = 0, births_per_ns = 0;  // with what following takes meanwhile
  double longest_follow_ns = 0, follow_per_ns = 0;
  std::uint64_t most_charge_ns = 0;

  [[nodiscard]] double births_cost_ns() const { return births_ns * (births_per_ns - follow_per_ns); }
  [[nodiscard]] double cost_ns(double follow_ns) const { return births_cost_ns() + follow_ns * follow_per_ns; }
  // How long it can be followed for `saved_ns`.
  [[nodiscard]] double affordable_ns(double saved_ns) const {
    return follow_per_ns > 0 ? (saved_ns - births_cost_ns()) / follow_per_ns : kUnlimitedNs;
  }
};

// What the slowdown cap leaves of a cohort. Where following alone stays below the cap it may last, and only the dear
// births are short; where it does not, the whole cohort must fit the delay that one window may collect, and the births
// get a third of it.
CohortShape shape_of(double births, double freeing, const BurstBudget& budget) {
  const double allowed = budget.slowdown - 1, window_ns = static_cast<double>(budget.max_ns);
  CohortShape shape{kLongestBirthsNs, charge(1, births, budget), kUnlimitedNs, charge(1, freeing, budget)};
  if (births <= allowed) return shape;
  if (freeing < 0.9 * allowed) {
    shape.births_ns = std::min(kLongestBirthsNs, window_ns * (allowed - freeing) / (births - freeing));
    return shape;
  }
  const double delay_ns = window_ns * allowed;
  shape.births_ns = std::min(kLongestBirthsNs, delay_ns / 3 / births);
  shape.longest_follow_ns = shape.births_ns + (delay_ns - shape.births_ns * births) / freeing;
  return shape;
}

// The same for a target that mostly waits. `births_taken`, `follow_taken`: CPU time that probes take in a nanosecond in which it does what it does on
// average. That is to be a part of what the kernel allows, so that hardly any cohort is ended early: which are would not be chance. The kernel
// ends it when half of the cap was taken and, within burst_max_ms, as much again.
CohortShape shape_among_pauses(double births_taken, double follow_taken, const BurstBudget& budget) {
  const double window_ns = static_cast<double>(budget.max_ns), most_ns = slowdown_cap_ns(budget);
  const double left_ns = most_ns / kCohortReserve - window_ns * follow_taken;
  const double more_taken = std::max(births_taken - follow_taken, 1e-9);
  const double births_ns = std::clamp(left_ns / more_taken, 0.0, kLongestBirthsNs);
  return {births_ns, births_taken, kUnlimitedNs, follow_taken, static_cast<std::uint64_t>(most_ns / 2)};
}

double longest_follow_ns(const CohortShape& shape, const FollowLengths& follow, const BurstBudget& budget) {
  auto wanted_ns = static_cast<double>(follow.longest_ns);
  if (shape.most_charge_ns > 0 && shape.cost_ns(wanted_ns) > budget.tokens_ns)
    wanted_ns = static_cast<double>(follow.usual_ns);
  return std::min({wanted_ns, static_cast<double>(budget.follow_max_ns), shape.longest_follow_ns});
}

// A target that mostly waits is followed for all of `most_ns` where that is paid for in a few seconds.
double least_follow_ns(const CohortShape& shape, double least_ns, double most_ns, const BurstBudget& budget) {
  if (shape.most_charge_ns == 0) return std::min(least_ns, most_ns);
  const double earned_ns = kCohortSavingSeconds / TokenBucket::kMaxSavedSeconds * budget.capacity_ns;
  return std::min(std::max(least_ns, shape.affordable_ns(earned_ns)), most_ns);
}

// One window of at most `longest_ns` in which hits of that price make the target so much slower.
PlanOrRefusal<RatePlan> plan_window(double longest_ns, double slower, double hit_ns, const BurstBudget& budget) {
  const double allowed = budget.slowdown - 1;
  double length_ns = longest_ns;
  if (slower > allowed) length_ns = std::min(longest_ns, static_cast<double>(budget.max_ns) * allowed / slower);
  if (length_ns < kShortestNs) return {std::nullopt, too_hot(slower, budget)};
  const double cost_ns =
      length_ns * std::max(budget.busy_cpus, kLeastBusyCpus) * slower;  // it lasts until that much is done
  if (cost_ns > budget.tokens_ns) {
    // A shorter burst is better than none, as long as it is one.
    length_ns *= budget.tokens_ns > 0 ? budget.tokens_ns / cost_ns : 0;  // the cost may be 0, too: debts remain
    if (length_ns < kShortestNs) return {std::nullopt, no_tokens(cost_ns, budget)};
  }
  return {RatePlan{static_cast<std::uint64_t>(length_ns), hit_limit(cost_ns, hit_ns, budget)}};
}

// The same for a target that mostly waits: its hit limit keeps the cap, whatever crowd it meets.
PlanOrRefusal<RatePlan> plan_for_crowds(double longest_ns, double slower, double hit_ns, const BurstBudget& budget) {
  const double earned_ns = kCrowdSavingSeconds / TokenBucket::kMaxSavedSeconds * budget.capacity_ns;
  const double most_ns = std::min(slowdown_cap_ns(budget), earned_ns);
  if (budget.tokens_ns < most_ns) return {std::nullopt, no_tokens(most_ns, budget)};
  const double per_ns = std::max(budget.used_cpus, kLeastBusyCpus) * slower;
  const double length_ns = std::min(longest_ns, most_ns / kCrowdReserve / std::max(per_ns, 1e-9));
  if (length_ns < kShortestNs) return {std::nullopt, too_hot(slower, budget)};
  return {RatePlan{static_cast<std::uint64_t>(length_ns), static_cast<std::uint64_t>(most_ns / std::max(hit_ns, 1.0))}};
}

// Of a target that mostly waits: as long as what it will do then, on average, is paid for. It may meet a crowd, which is seen to its end when it takes
// no more than kCrowdReserve times that, nor more than the slowdown cap.
RatePlan longer_for_crowds(const RatePlan& planned, double longest_ns, double slower, double hit_ns,
                           const BurstBudget& budget) {
  const double per_ns = std::max(budget.used_cpus, kLeastBusyCpus) * slower;
  const double affordable_ns = std::max(budget.tokens_ns, 0.0) / std::max(per_ns, 1e-9);
  const double most_ns = std::min(slowdown_cap_ns(budget), kCrowdReserve * std::max(budget.tokens_ns, kOverdraftNs));
  const auto length_ns = static_cast<std::uint64_t>(std::min(longest_ns, affordable_ns));
  const std::uint64_t hits = crowd_hit_limit(most_ns, hit_ns);
  return {std::max(planned.length_ns, length_ns), std::max(planned.hit_limit, hits)};
}

}  // namespace

double planned_cpus(double recent) {
  constexpr double kMargin = 10;
  return std::max(recent, std::min(1.0, kMargin * recent));
}

std::string reason_label(Refusal::Reason reason) {
  return reason == Refusal::Reason::kTooHot ? "too_hot" : "budget_exhausted";
}

void HitRate::observe(double per_cpu_second, std::uint64_t now_ns) {
  observed_ns_ = now_ns;
  recent_[observations_ % kRecent] = per_cpu_second;
  average_ = observations_ == 0 ? per_cpu_second : kNewWeight * per_cpu_second + (1 - kNewWeight) * average_;
  ++observations_;
}

void HitRate::observe_all(std::uint64_t calls, std::uint64_t undilated_ns) {
  calls_ = kOldWindows * calls_ + static_cast<double>(calls);
  seconds_ = kOldWindows * seconds_ + static_cast<double>(undilated_ns) * 1e-9;
}

void HitRate::expire(std::uint64_t now_ns) {
  if (known() && now_ns > observed_ns_ + kRateKnownNs) *this = {};
}

double HitRate::per_cpu_second() const {
  return std::max(average_, *std::max_element(recent_, recent_ + kRecent));
}

void HitPrice::observe(std::uint64_t hits, std::uint64_t charge_ns) {
  hits_ = kOldWeight * hits_ + static_cast<double>(hits);
  charge_ns_ = kOldWeight * charge_ns_ + static_cast<double>(charge_ns);
}

double HitPrice::ns(double calibrated_ns) const {
  return (charge_ns_ + kCalibratedHits * calibrated_ns) / (hits_ + kCalibratedHits);
}

PlannedPace plan_pace(const BurstBudget& budget, double price_factor) {
  const double allowed = budget.slowdown - 1, steady_share = allowed / (1 + allowed);
  const double share = std::min(kOvershoot * allowed, std::max(kHotShare, (1 + steady_share) / 2));
  const double charge_ns = static_cast<double>(budget.max_ns) * share / price_factor;
  return {budget.max_ns, static_cast<std::uint64_t>(charge_ns)};
}

PlanOrRefusal<RatePlan> plan_rate(const HitRate& allocations, const BurstPrices& prices, const BurstBudget& budget) {
  if (!allocations.known()) return {RatePlan{std::min(kFirstBurstNs, budget.max_ns), kFirstBurstHits}};
  const double longest_ns = static_cast<double>(budget.max_ns), slower = extra(allocations, prices.allocation_ns);
  auto planned = plan_window(longest_ns, slower, prices.allocation_ns, budget);
  if (planned.plan && budget.used_cpus < kMostlyWaits)
    planned.plan = longer_for_crowds(*planned.plan, longest_ns, slower, prices.allocation_ns, budget);
  return planned;
}

PlanOrRefusal<RatePlan> plan_growth(const HitRate& allocations, const HitRate& frees, const BurstPrices& prices,
                                    const BurstBudget& budget) {
  const double slower = extra(allocations, prices.life_ns) + extra(frees.known() ? frees : allocations, prices.free_ns);
  const double longest_ns = std::min(kLongestBirthsNs, static_cast<double>(budget.max_ns));
  const double hit_ns = std::max(prices.free_ns, prices.life_ns / 2);
  if (budget.used_cpus >= kMostlyWaits) return plan_window(longest_ns, slower, hit_ns, budget);
  return plan_for_crowds(longest_ns, slower, hit_ns, budget);
}

std::uint64_t follow_for_age_ns(std::uint64_t age_ns, const HitRate& allocations, const HitRate& frees,
                                const BurstPrices& prices, const BurstBudget& budget) {
  const HitRate& freeing = frees.known() ? frees : allocations;
  // ages are shortened by what probes took: more than usual in a crowd, which would else not be followed as far
  const double slower = waits_between_crowds(allocations, budget)
                            ? kCrowdReserve * freeing.per_second() * prices.free_ns * 1e-9
                            : extra(freeing, prices.free_ns);
  return static_cast<std::uint64_t>(kLongestBirthsNs + 1.05 * (1 + slower) * static_cast<double>(age_ns));
}

PlanOrRefusal<CohortPlan> plan_cohort(const HitRate& allocations, const HitRate& frees, const BurstPrices& prices,
                                      const BurstBudget& budget, const FollowLengths& follow) {
  // Until frees were seen they are taken to be as frequent as allocations.
  const HitRate& frees_seen = frees.known() ? frees : allocations;
  const double freeing = extra(frees_seen, prices.free_ns), births = extra(allocations, prices.life_ns) + freeing;
  CohortShape shape = shape_of(births, freeing, budget);
  if (waits_between_crowds(allocations, budget)) {
    const double freeing_taken = frees_seen.per_second() * prices.free_ns * 1e-9;
    const double births_taken = allocations.per_second() * prices.life_ns * 1e-9 + freeing_taken;
    const CohortShape among_pauses = shape_among_pauses(births_taken, freeing_taken, budget);
    if (among_pauses.births_ns >= kShortestNs) shape = among_pauses;
  }
  const double most_ns = longest_follow_ns(shape, follow, budget);
  if (shape.births_ns < kShortestNs || most_ns < kShortestFollowNs) return {std::nullopt, too_hot(births, budget)};

  const double least_ns = least_follow_ns(shape, static_cast<double>(follow.least_ns), most_ns, budget);
  const double affordable_ns = shape.affordable_ns(budget.tokens_ns);
  if (budget.tokens_ns < shape.births_cost_ns() || affordable_ns < least_ns)
    return {std::nullopt, no_tokens(shape.cost_ns(least_ns), budget)};
  const double follow_ns = std::clamp(affordable_ns, least_ns, most_ns), cost_ns = shape.cost_ns(follow_ns);
  const double hit_ns = std::max(prices.free_ns, prices.life_ns / 2);
  if (shape.most_charge_ns == 0)
    return {CohortPlan{static_cast<std::uint64_t>(shape.births_ns), static_cast<std::uint64_t>(follow_ns),
                       hit_limit(cost_ns, hit_ns, budget)}};
  const double crowd_ns = std::max(slowdown_cap_ns(budget), kCrowdReserve * cost_ns);
  return {CohortPlan{static_cast<std::uint64_t>(shape.births_ns), static_cast<std::uint64_t>(follow_ns),
                     crowd_hit_limit(crowd_ns, hit_ns), shape.most_charge_ns}};
}

}  // namespace poolscope::budget
