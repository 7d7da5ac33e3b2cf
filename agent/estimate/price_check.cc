#include "agent/estimate/price_check.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace poolscope::estimate {
namespace {

constexpr double kSmallestFactor = 0.5, kLargestFactor = 5;
constexpr std::size_t kLeastWindows = 6, kLeastTimedWindows = 12;
constexpr double kMostBusy = 0.5, kLeastTimedCharge = 0.1;
constexpr double kLeastTimedError = 0.08;  // of the factor: it came out 4 to 7 % too low where the truth was known
constexpr double kLeastOutside =
    0.25;  // of the CPU time: what is left of it between windows that are open all the time tells nothing

using model::Window;
using Counter = std::optional<std::uint64_t> model::Work::*;

// What probes did in one process at one time, as the check sees it.
struct ProbedTime {
  std::vector<const model::Window*> windows;
  const model::Window* checked = nullptr;  // its price is looked for; none: only left out of what the target does alone
  std::uint64_t charge_ns = 0;             // hits before and after the windows too, while probes came and went
};

// Work units per CPU nanosecond of the target, bursts left out.
std::optional<double> work_per_cpu_ns(Counter counter, std::span<const ProbedTime> probed,
                                      std::span<const model::StratumRecord> strata) {
  double work = 0, cpu_ns = 0, all_cpu_ns = 0;
  for (const auto& stratum : strata) {
    if (!(stratum.work.*counter) || !stratum.target_cpu_ns) continue;  // a thread or process came or went
    work += static_cast<double>(*(stratum.work.*counter));
    cpu_ns += static_cast<double>(*stratum.target_cpu_ns);
    all_cpu_ns = cpu_ns;
  }
  for (const auto& each : probed) {
    std::uint64_t inside_ns = 0;
    for (const auto* window : each.windows) {
      work -= static_cast<double>((window->work.*counter).value_or(0));
      cpu_ns -= static_cast<double>(window->cpu_ns);
      inside_ns += window->charge_ns;
    }
    cpu_ns -= static_cast<double>(each.charge_ns - std::min(each.charge_ns, inside_ns));
  }
  if (work <= 0 || cpu_ns <= kLeastOutside * all_cpu_ns) return std::nullopt;
  return work / cpu_ns;
}

struct Observation {
  double taken_ns = 0;  // CPU time of the window that its work does not explain
  double charge_ns = 0;
};

PriceCheck combine(const std::vector<Observation>& observations, const PriceCheck& prior) {
  const double m = static_cast<double>(observations.size());
  double taken = 0, charge = 0, squares = 0;
  for (const auto& each : observations) {
    taken += each.taken_ns;
    charge += each.charge_ns;
  }
  const double seen = taken / charge;
  for (const auto& each : observations) {
    const double residual = each.taken_ns - seen * each.charge_ns;
    squares += residual * residual;
  }
  const double error = std::sqrt(squares * m / (m - 1)) / charge;
  const double weight = 1 / std::max(error * error, 1e-6);
  const double prior_weight = 1 / (prior.standard_error * prior.standard_error);
  PriceCheck check;
  check.factor = std::clamp((seen * weight + prior.factor * prior_weight) / (weight + prior_weight), kSmallestFactor,
                            kLargestFactor);
  check.standard_error = 1 / std::sqrt(weight + prior_weight);
  check.is_measured = error < prior.standard_error;
  return check;
}

struct WorkCounter {
  Counter counter;
  double least;  // work inside windows that tells something
};
// Bytes first, they go with what the program does; then calls: a busy server waits less often when it is slowed, but it reads every
// request.
constexpr WorkCounter kCounters[] = {{&model::Work::allocated_bytes, PriceCheck::kLeastAllocatedBytes},
                                     {&model::Work::io_calls, PriceCheck::kLeastWork},
                                     {&model::Work::waits, PriceCheck::kLeastWork}};

std::optional<PriceCheck> check_with(const WorkCounter& by, std::span<const ProbedTime> probed,
                                     std::span<const model::StratumRecord> strata, const PriceCheck& prior) {
  const auto work_rate = work_per_cpu_ns(by.counter, probed, strata);
  if (!work_rate) return std::nullopt;
  std::vector<Observation> observations;
  double work = 0, charge_ns = 0;
  for (const auto& each : probed) {
    if (each.checked == nullptr || each.checked->length_ns == 0 || !(each.checked->work.*by.counter)) continue;
    const double done = static_cast<double>(*(each.checked->work.*by.counter));
    work += done;
    charge_ns += static_cast<double>(each.checked->charge_ns);
    observations.push_back(
        {static_cast<double>(each.checked->cpu_ns) - done / *work_rate, static_cast<double>(each.checked->charge_ns)});
  }
  if (observations.size() < kLeastWindows || work < by.least || charge_ns <= 0) return std::nullopt;
  return combine(observations, prior);
}

PriceCheck check_with_any(std::span<const ProbedTime> probed, std::span<const model::StratumRecord> strata,
                          const PriceCheck& prior) {
  for (const auto& by : kCounters) {
    if (const auto check = check_with(by, probed, strata, prior)) return *check;
  }
  return prior;
}

// CPU time of the target per nanosecond, windows left out.
std::optional<double> cpu_share_outside(std::span<const Window* const> windows,
                                        std::span<const model::StratumRecord> strata) {
  double cpu_ns = 0, length_ns = 0;
  for (const auto& stratum : strata) {
    if (!stratum.target_cpu_ns) continue;
    cpu_ns += static_cast<double>(*stratum.target_cpu_ns);
    length_ns += static_cast<double>(stratum.length_ns);
  }
  for (const Window* window : windows) {
    cpu_ns -= static_cast<double>(window->cpu_ns);
    length_ns -= static_cast<double>(window->length_ns);
  }
  if (cpu_ns <= 0 || length_ns <= 0) return std::nullopt;
  return cpu_ns / length_ns;
}

// Of one process that mostly waits for work from outside: inside windows it used more CPU time than it does in as much time outside, shortened
// by what it was late in the end. Work that waits for the target's own answers comes more slowly there, and hits would look cheap:
// only what makes them dearer counts.
std::optional<PriceCheck> check_with_time(std::span<const Window* const> windows,
                                          std::span<const model::StratumRecord> strata, const PriceCheck& prior) {
  const auto share = cpu_share_outside(windows, strata);
  if (windows.size() < kLeastTimedWindows || !share || *share > kMostBusy) return std::nullopt;
  std::vector<Observation> observations;
  double charge_ns = 0, cpu_ns = 0;
  for (const Window* window : windows) {
    const auto late_ns = static_cast<double>(window->late_ns.value_or(0));
    const Observation seen{static_cast<double>(window->cpu_ns) - *share * static_cast<double>(window->length_ns),
                           static_cast<double>(window->charge_ns) - *share * late_ns};
    observations.push_back(seen);
    charge_ns += seen.charge_ns;
    cpu_ns += static_cast<double>(window->cpu_ns);
  }
  if (charge_ns <= 0 || charge_ns < kLeastTimedCharge * cpu_ns) return std::nullopt;
  PriceCheck check = combine(observations, prior);
  if (check.factor <= prior.factor) return std::nullopt;
  check.standard_error = std::max(check.standard_error, kLeastTimedError * check.factor);
  return check;
}

}  // namespace

model::Window PriceCheck::corrected(const model::Window& window) const {
  model::Window result = window;
  result.charge_ns = static_cast<std::uint64_t>(static_cast<double>(window.charge_ns) * factor);
  if (window.late_ns) result.late_ns = static_cast<std::uint64_t>(static_cast<double>(*window.late_ns) * factor);
  return result;
}

PriceCheck check_price(std::span<const model::BurstRecord> records, std::span<const model::StratumRecord> strata,
                       model::Window model::BurstRecord::*window) {
  std::vector<ProbedTime> probed;
  for (const auto& record : records) {
    // Births of a cohort have other prices than counted calls.
    const bool births = record.kind == model::BurstKind::kCohort && window == &model::BurstRecord::allocation_window;
    probed.push_back(
        {{&record.allocation_window, &record.free_window}, births ? nullptr : &(record.*window), record.charge_ns});
  }
  const PriceCheck check = check_with_any(probed, strata, {});
  if (check.is_measured) return check;
  const auto counting =
      window == &model::BurstRecord::allocation_window ? model::BurstKind::kRate : model::BurstKind::kFrees;
  std::vector<const Window*> timed;
  for (const auto& record : records) {
    // once its births are over a cohort hits what a burst on frees does
    const bool follows = record.kind == model::BurstKind::kCohort && window == &model::BurstRecord::free_window;
    if ((record.kind != counting && !follows) || (record.*window).length_ns == 0 || !(record.*window).late_ns) continue;
    if (record.process != records.front().process) return check;
    timed.push_back(&(record.*window));
  }
  return check_with_time(timed, strata, check).value_or(check);
}

PriceCheck check_pool_price(std::span<const model::PoolBurstRecord> pools,
                            std::span<const model::BurstRecord> slice_growth,
                            std::span<const model::StratumRecord> strata, const PriceCheck& prior) {
  std::vector<ProbedTime> probed;
  for (const auto& record : pools) probed.push_back({{&record.window}, &record.window, record.charge_ns});
  for (const auto& record : slice_growth) {
    probed.push_back({{&record.allocation_window}, &record.allocation_window, record.charge_ns});
  }
  return check_with_any(probed, strata, prior);
}

}  // namespace poolscope::estimate
