#include "agent/estimate/summarize.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "agent/estimate/call_sites.h"
#include "agent/estimate/cost.h"
#include "agent/estimate/cpu_share.h"
#include "agent/estimate/evidence.h"
#include "agent/estimate/exact.h"
#include "agent/estimate/growth_chains.h"
#include "agent/estimate/hot_allocator.h"
#include "agent/estimate/intervals.h"
#include "agent/estimate/lifetimes.h"
#include "agent/estimate/pools.h"
#include "agent/estimate/sample.h"
#include "agent/estimate/sizes.h"

namespace poolscope::estimate {
namespace {

struct TargetCpu {
  std::optional<double> per_second;            // as the system accounts it, probes included
  std::optional<double> undilated_per_second;  // without what the probes took: what the target itself did
};

// What probes really cost, over what calibration said.
struct Prices {
  PriceCheck allocations, frees, pools;
};

Prices check_prices(const TargetRecords& records) {
  const PriceCheck prior = records.is_go ? PriceCheck::prior_of_go() : PriceCheck{};
  return {check_price(records.bursts, records.strata, &model::BurstRecord::allocation_window),
          check_price(records.bursts, records.strata, &model::BurstRecord::free_window),
          check_pool_price(records.pool_bursts, records.slice_growth, records.strata, prior)};
}

struct Charges {
  double allocations_ns = 0, pools_ns = 0;  // as calibrated
  double measured_ns = 0;                   // of programs that measure what they take
};

Charges charges_of(const TargetRecords& records) {
  Charges charges;
  for (const auto& record : records.bursts) charges.allocations_ns += static_cast<double>(record.charge_ns);
  for (const auto& record : records.pool_bursts) charges.pools_ns += static_cast<double>(record.charge_ns);
  for (const auto& record : records.slice_growth) charges.pools_ns += static_cast<double>(record.charge_ns);
  for (const auto& record : records.pool_watches) charges.pools_ns += static_cast<double>(record.charge_ns);
  for (const auto& record : records.gc) charges.measured_ns += static_cast<double>(record.charge_ns);
  for (const auto& record : records.cpu_shares) charges.measured_ns += static_cast<double>(record.charge_ns);
  return charges;
}

TargetCpu target_cpu(const TargetRecords& records, double charge_ns) {
  double length_ns = 0, cpu_ns = 0;
  for (const auto& stratum : records.strata) {
    if (!stratum.target_cpu_ns) continue;
    length_ns += static_cast<double>(stratum.length_ns);
    cpu_ns += static_cast<double>(*stratum.target_cpu_ns);
  }
  if (length_ns <= 0) return {};
  charge_ns = std::min(charge_ns, kLargestChargeShare * cpu_ns);
  return {cpu_ns / length_ns, (cpu_ns - charge_ns) / length_ns};
}

// Of a counter that not every stratum has: a thread or process came or went.
std::optional<double> per_second(std::span<const model::StratumRecord> strata,
                                 std::optional<std::uint64_t> (*counter)(const model::StratumRecord&)) {
  double counted = 0, length_ns = 0;
  for (const auto& stratum : strata) {
    const auto count = counter(stratum);
    if (!count) continue;
    counted += static_cast<double>(*count);
    length_ns += static_cast<double>(stratum.length_ns);
  }
  if (length_ns <= 0) return std::nullopt;
  return counted / length_ns * 1e9;
}

std::optional<std::uint64_t> io_calls_of(const model::StratumRecord& stratum) {
  return stratum.work.io_calls;
}

std::optional<std::uint64_t> waits_of(const model::StratumRecord& stratum) {
  return stratum.work.waits;
}

std::optional<std::uint64_t> fresh_pages_of(const model::StratumRecord& stratum) {
  return stratum.fresh_pages;
}

// The charge as the target's own work says it was; 1.96 standard errors to both sides. Absent when a part of it was not measured so.
model::MaybeEstimate measured_cost(const Charges& charges, const Prices& prices, const model::Cost& cost) {
  if (!cost.charged_cpu_ratio || charges.allocations_ns + charges.pools_ns <= 0) return std::nullopt;
  const double per_ns = *cost.charged_cpu_ratio / (cost.charged_cpu_seconds * 1e9);
  double value = charges.measured_ns, variance = 0;
  const auto add = [&](double charge_ns, const PriceCheck& price) {
    value += charge_ns * price.factor;
    variance += charge_ns * charge_ns * price.standard_error * price.standard_error;
    return charge_ns == 0 || price.is_measured;
  };
  const bool all_measured = add(charges.allocations_ns, prices.allocations) && add(charges.pools_ns, prices.pools);
  if (!all_measured) return std::nullopt;
  const double half = 1.96 * std::sqrt(variance);
  return model::Estimate{value * per_ns, std::max(value - half, 0.0) * per_ns, (value + half) * per_ns};
}

// Probes that follow objects cost about twice as much as those that count, so what they say of the rate is less certain:
// it is used only where nothing else is there.
RecordList without_cohorts(const RecordList& records) {
  RecordList counting;
  std::ranges::copy_if(records, std::back_inserter(counting), [](const model::BurstRecord* record) {
    return record->kind == model::BurstKind::kRate || record->kind == model::BurstKind::kExact;
  });
  return counting.empty() ? records : counting;
}

model::Counted count(std::span<const model::BurstRecord> records) {
  model::Counted counted;
  for (const auto& record : records) {
    counted.allocations += record.counts.allocations;
    counted.allocated_bytes += record.counts.allocated_bytes;
    counted.reallocations += record.counts.reallocations;
    counted.frees += record.counts.frees;
    if (record.free_window.length_ns > 0) {
      counted.frees_of_older = counted.frees_of_older.value_or(0) + record.frees_of_older;
    }
  }
  return counted;
}

WindowCount bytes_of(const model::BurstRecord& record) {
  const double bytes = static_cast<double>(record.counts.allocated_bytes);
  const double calls = static_cast<double>(record.counts.allocations);
  WindowCount count = WindowCount::of_bytes(bytes, calls);
  count.poisson_variance = std::max(count.poisson_variance, calls * mean_square(record.size_bytes));
  return count;
}

void set_rates(model::AllocationSummary& summary, const Sample& allocations) {
  summary.per_second = allocations.rate([](const model::BurstRecord& record) {
    return WindowCount::of_events(static_cast<double>(record.counts.allocations));
  });
  summary.bytes_per_second = allocations.rate(bytes_of);
  // How large those would be that nobody saw is not known.
  if (summary.per_second && summary.per_second->value <= 0) summary.bytes_per_second->high.reset();
  summary.reallocations_per_second = allocations.rate([](const model::BurstRecord& record) {
    return WindowCount::of_events(static_cast<double>(record.counts.reallocations));
  });
}

// Frees alone in a window, unless frees beside allocations tell clearly more: an interval is narrower by chance, too, when the estimate is too
// high for what was seen. Without intervals those beside allocations, when there are enough, else the one that saw more.
constexpr double kClearlySharper = 0.7, kEnoughFreesBeside = 100;
model::MaybeEstimate frees_per_second(const RecordList& records, const Basis& basis,
                                      const model::MaybeEstimate& allocations_per_second) {
  const auto frees = [](const model::BurstRecord& record) {
    return WindowCount::of_events(static_cast<double>(frees_in_window(record)));
  };
  const auto frees_beside = [](const model::BurstRecord& record) {
    return WindowCount::of_events(static_cast<double>(*record.frees_beside_allocations));
  };
  const Sample alone = Sample::of_frees(records, basis);
  if (basis.exact || !allocations_per_second) return alone.rate(frees);
  const Sample beside = Sample::of_frees_beside(records, *allocations_per_second);
  const auto rate = alone.rate(frees), rate_beside = beside.rate(frees_beside);
  if (std::isinf(relative_width(rate)) && std::isinf(relative_width(rate_beside))) {
    // Few cohorts: how many frees there are to an allocation is then known better than how many there are to a second. Who knows his allocations by
    // an interval is not told of frees from a handful of windows, which may be several times off.
    if (allocations_per_second->low) {
      return beside.total(frees_beside) >= kEnoughFreesBeside ? rate_beside : std::nullopt;
    }
    return beside.total(frees_beside) > alone.total(frees) ? rate_beside : rate;
  }
  return relative_width(rate_beside) < kClearlySharper * relative_width(rate) ? rate_beside : rate;
}

void scale(model::MaybeEstimate& estimate, double factor) {
  if (!estimate) return;
  estimate->value *= factor;
  for (auto* limit : {&estimate->low, &estimate->high}) {
    if (*limit) **limit *= factor;
  }
}

double calls_per_second(const Sample& sample) {
  const auto rate = sample.rate([](const model::BurstRecord& record) {
    return WindowCount::of_events(static_cast<double>(record.counts.allocations + record.counts.reallocations));
  });
  return rate ? rate->value : 0;
}

// Sites are seen by cohorts too, the rate is not made from these: without this the parts would not add up to the whole.
void fit_to_total(std::vector<model::CallSite>& sites, double of_total, double of_sites) {
  if (of_total <= 0 || of_sites <= 0) return;
  for (auto& site : sites) {
    scale(site.per_second, of_total / of_sites);
    scale(site.bytes_per_second, of_total / of_sites);
  }
}

// Of most of the target nothing is known: what the rest does is no more than a hint.
void forget_limits(model::AllocationSummary& summary) {
  for (auto* estimate : {&summary.per_second, &summary.bytes_per_second, &summary.frees_per_second,
                         &summary.reallocations_per_second, &summary.churn_ratio}) {
    if (*estimate) (*estimate)->low = (*estimate)->high = std::nullopt;
  }
}

void set_lifetimes(model::AllocationSummary& summary, const RecordList& records, const Basis& basis) {
  const auto estimates = estimate_lifetimes(records, basis);
  if (!estimates) return;
  summary.lifetime = estimates->lifetime;
  if (!estimates->churn_known) return;
  summary.churn_ratio = estimates->churn_ratio;
  summary.churn_age_seconds = estimates->churn_age_seconds;
}

}  // namespace

model::TargetSnapshot summarize(const TargetRecords& records) {
  const Prices prices = check_prices(records);
  const Charges charges = charges_of(records);
  const TargetCpu cpu = target_cpu(records, charges.allocations_ns * prices.allocations.factor +
                                                charges.pools_ns * prices.pools.factor + charges.measured_ns);
  const RecordList list = in_time_order(records.bursts);
  const auto cpu_share = estimate_cpu_share(records.cpu_shares);
  const auto too_hot = why_charge_is_too_low(list, prices.allocations, cpu_share);
  const TargetTotals totals{cpu.undilated_per_second, per_second(records.strata, io_calls_of),
                            per_second(records.strata, waits_of)};
  Basis basis{all_exact(records.bursts), totals, prices.allocations, prices.frees};
  if (too_hot) basis.totals.cpu_per_second.reset();
  const Sample allocations = Sample::of_allocations(without_cohorts(list), basis);

  model::TargetSnapshot target;
  target.exact = basis.exact || (records.bursts.empty() && all_exact(records.pool_bursts));
  target.cpu_seconds_per_second = cpu.per_second;
  target.fresh_pages_per_second = per_second(records.strata, fresh_pages_of);
  target.cpu_share = cpu_share;
  target.allocations.counted = count(records.bursts);
  set_rates(target.allocations, allocations);
  target.allocations.frees_per_second = frees_per_second(list, basis, target.allocations.per_second);
  target.allocations.size_bytes = summarize_sizes(allocations, basis.exact);
  set_lifetimes(target.allocations, list, basis);
  target.call_sites = estimate_call_sites(list, basis);
  fit_to_total(target.call_sites, calls_per_second(allocations), calls_per_second(Sample::of_allocations(list, basis)));
  target.growth_chains = estimate_growth_chains(list, basis);
  const Basis of_slices{all_exact(records.slice_growth), totals, prices.pools, {}};
  std::ranges::move(estimate_slice_growth(in_time_order(records.slice_growth), of_slices),
                    std::back_inserter(target.growth_chains));
  target.pools = summarize_pools(records.pool_bursts, records.pool_watches, totals, records.running, prices.pools);
  target.cost = summarize_cost(records);
  target.evidence = gather_evidence(records);
  if (target.cost.ended_cpu_ratio.value_or(0) > kMostUnseen) forget_limits(target.allocations);
  target.cost.measured_cpu_ratio = measured_cost(charges, prices, target.cost);
  target.cost.clamped_windows =
      allocations.estimator.clamped_windows() + Sample::of_frees(list, basis).estimator.clamped_windows();
  return target;
}

}  // namespace poolscope::estimate
