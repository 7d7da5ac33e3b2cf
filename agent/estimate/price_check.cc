#include "agent/estimate/price_check.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace poolscope::estimate {
namespace {

constexpr double kSmallestFactor = 0.5, kLargestFactor = 3;
constexpr std::size_t kLeastWindows = 6;

using Counter = std::optional<std::uint64_t> model::Work::*;

// Work units per CPU nanosecond of the target, bursts left out.
std::optional<double> work_per_cpu_ns(Counter counter, std::span<const model::BurstRecord> records,
                                      std::span<const model::StratumRecord> strata) {
  double work = 0, cpu_ns = 0;
  for (const auto& stratum : strata) {
    if (!(stratum.work.*counter) || !stratum.target_cpu_ns) continue;  // a thread or process came or went
    work += static_cast<double>(*(stratum.work.*counter));
    cpu_ns += static_cast<double>(*stratum.target_cpu_ns);
  }
  for (const auto& record : records) {
    for (const auto* window : {&record.allocation_window, &record.free_window}) {
      work -= static_cast<double>((window->work.*counter).value_or(0));
      cpu_ns -= static_cast<double>(window->cpu_ns);
    }
    // Hits before and after the windows, while probes came and went.
    const std::uint64_t inside_ns = record.allocation_window.charge_ns + record.free_window.charge_ns;
    cpu_ns -= static_cast<double>(record.charge_ns - std::min(record.charge_ns, inside_ns));
  }
  if (work <= 0 || cpu_ns <= 0) return std::nullopt;
  return work / cpu_ns;
}

struct Observation {
  double taken_ns = 0;  // CPU time of the window that its work does not explain
  double charge_ns = 0;
};

PriceCheck combine(const std::vector<Observation>& observations) {
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
  constexpr double kPriorWeight = 1 / (PriceCheck::kPriorError * PriceCheck::kPriorError);
  PriceCheck check;
  check.factor = std::clamp((seen * weight + kPriorWeight) / (weight + kPriorWeight), kSmallestFactor, kLargestFactor);
  check.standard_error = 1 / std::sqrt(weight + kPriorWeight);
  check.is_measured = error < PriceCheck::kPriorError;
  return check;
}

std::optional<PriceCheck> check_with(Counter counter, std::span<const model::BurstRecord> records,
                                     std::span<const model::StratumRecord> strata,
                                     model::Window model::BurstRecord::*window) {
  const auto work_rate = work_per_cpu_ns(counter, records, strata);
  if (!work_rate) return std::nullopt;
  std::vector<Observation> observations;
  double work = 0, charge_ns = 0;
  for (const auto& record : records) {
    const model::Window& each = record.*window;
    // Births of a cohort have other prices than counted calls.
    const bool births = record.kind == model::BurstKind::kCohort && window == &model::BurstRecord::allocation_window;
    if (each.length_ns == 0 || !(each.work.*counter) || births) continue;
    const double done = static_cast<double>(*(each.work.*counter));
    work += done;
    charge_ns += static_cast<double>(each.charge_ns);
    observations.push_back({static_cast<double>(each.cpu_ns) - done / *work_rate, static_cast<double>(each.charge_ns)});
  }
  if (observations.size() < kLeastWindows || work < PriceCheck::kLeastWork || charge_ns <= 0) return std::nullopt;
  return combine(observations);
}

}  // namespace

model::Window PriceCheck::corrected(const model::Window& window) const {
  model::Window result = window;
  result.charge_ns = static_cast<std::uint64_t>(static_cast<double>(window.charge_ns) * factor);
  return result;
}

PriceCheck check_price(std::span<const model::BurstRecord> records, std::span<const model::StratumRecord> strata,
                       model::Window model::BurstRecord::*window) {
  // Calls first: a busy server waits less often when it is slowed, but it reads every request.
  for (const Counter counter : {&model::Work::io_calls, &model::Work::waits}) {
    if (const auto check = check_with(counter, records, strata, window)) return *check;
  }
  return {};
}

}  // namespace poolscope::estimate
