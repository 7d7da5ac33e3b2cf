#include "agent/estimate/price_check.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace poolscope::estimate {
namespace {

constexpr double kSmallestFactor = 0.5, kLargestFactor = 3;
constexpr std::size_t kLeastWindows = 6;

// Work units per CPU nanosecond of the target, bursts left out.
std::optional<double> work_per_cpu_ns(std::span<const model::BurstRecord> records,
                                      std::span<const model::StratumRecord> strata) {
  double work = 0, cpu_ns = 0;
  for (const auto& stratum : strata) {
    if (!stratum.work) return std::nullopt;
    work += static_cast<double>(*stratum.work);
    cpu_ns += static_cast<double>(stratum.target_cpu_ns);
  }
  for (const auto& record : records) {
    for (const auto* window : {&record.allocation_window, &record.free_window}) {
      work -= static_cast<double>(window->work.value_or(0));
      cpu_ns -= static_cast<double>(window->cpu_ns);
    }
  }
  if (work <= 0 || cpu_ns <= 0) return std::nullopt;
  return work / cpu_ns;
}

struct Observation {
  double taken_ns = 0;   // CPU time of the window that its work does not explain
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
  check.is_measured = true;
  return check;
}

}  // namespace

PriceCheck check_price(std::span<const model::BurstRecord> records, std::span<const model::StratumRecord> strata,
                       model::Window model::BurstRecord::*window) {
  const auto work_rate = work_per_cpu_ns(records, strata);
  if (!work_rate) return {};
  std::vector<Observation> observations;
  double work = 0, charge_ns = 0;
  for (const auto& record : records) {
    const model::Window& each = record.*window;
    // Births of a cohort have other prices than counted calls.
    const bool births = record.kind == model::BurstKind::kCohort && window == &model::BurstRecord::allocation_window;
    if (each.length_ns == 0 || !each.work || births) continue;
    work += static_cast<double>(*each.work);
    charge_ns += static_cast<double>(each.charge_ns);
    observations.push_back({static_cast<double>(each.cpu_ns) - static_cast<double>(*each.work) / *work_rate,
                            static_cast<double>(each.charge_ns)});
  }
  if (observations.size() < kLeastWindows || work < PriceCheck::kLeastWork || charge_ns <= 0) return {};
  return combine(observations);
}

}  // namespace poolscope::estimate
