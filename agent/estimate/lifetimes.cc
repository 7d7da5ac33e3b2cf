#include "agent/estimate/lifetimes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "agent/estimate/intervals.h"
#include "agent/estimate/summarize.h"
#include "agent/estimate/survival.h"

namespace poolscope::estimate {
namespace {

constexpr std::array<std::uint64_t, 4> kAgesNs = {1'000'000, 10'000'000, 100'000'000, 1'000'000'000};
constexpr unsigned kResamplings = 400;
constexpr std::size_t kLargestBootstrapUnits = 48;
constexpr std::uint64_t kSeed = 20;
constexpr unsigned kLargestBuckets = 40;

// Weighted ages of one cohort or of several.
struct Ages {
  BucketWeights died{}, alive{}, died_bytes{}, alive_bytes{};

  void add(const Ages& other, double times) {
    for (std::size_t i = 0; i < died.size(); ++i) {
      died[i] += times * other.died[i];
      alive[i] += times * other.alive[i];
      died_bytes[i] += times * other.died_bytes[i];
      alive_bytes[i] += times * other.alive_bytes[i];
    }
  }
};

void add_to(BucketWeights& weights, const model::Histogram& histogram, double factor) {
  for (const auto& [bucket, weight] : histogram.buckets()) weights[bucket] += weight * factor;
}

struct Cohorts {
  std::vector<Ages> units;  // what is resampled: cohorts, or runs of neighbours
  std::size_t count = 0;
  std::uint64_t births = 0;
  double effective_births = 0;
  std::uint64_t followed_ns = 0;
};

RecordList with_births(const RecordList& records) {
  RecordList cohorts;
  std::ranges::copy_if(records, std::back_inserter(cohorts),
                       [](const model::BurstRecord* record) { return record->lifetimes.births > 0; });
  return cohorts;
}

Cohorts gather(const Sample& sample) {
  Cohorts cohorts;
  cohorts.count = sample.records.size();
  const std::size_t units = std::min(cohorts.count, kLargestBootstrapUnits);
  cohorts.units.resize(units);
  double births = 0, births_squared = 0;
  for (std::size_t i = 0; i < cohorts.count; ++i) {
    const model::Lifetimes& lifetimes = sample.records[i]->lifetimes;
    const double weight = sample.estimator.weight(i);
    Ages& unit = cohorts.units[i * units / cohorts.count];
    add_to(unit.died, lifetimes.died_ns, weight);
    add_to(unit.alive, lifetimes.alive_ns, weight);
    add_to(unit.died_bytes, lifetimes.died_bytes_ns, weight);
    add_to(unit.alive_bytes, lifetimes.alive_bytes_ns, weight);
    cohorts.followed_ns = std::max(cohorts.followed_ns, lifetimes.followed_ns);
    cohorts.births += lifetimes.births;
    births += weight * static_cast<double>(lifetimes.births);
    births_squared += weight * weight * static_cast<double>(lifetimes.births);
  }
  cohorts.effective_births = births_squared > 0 ? births * births / births_squared : 0;  // Kish
  return cohorts;
}

// What gets an interval: the share of objects dead by each age, then the share of bytes dead by the churn age.
struct Shares {
  std::vector<std::uint64_t> ages_ns;
  std::uint64_t churn_age_ns = 0;

  [[nodiscard]] std::vector<double> of(const SurvivalCurve& objects, const SurvivalCurve& bytes) const {
    std::vector<double> shares;
    for (const std::uint64_t age_ns : ages_ns) shares.push_back(objects.died_by(age_ns));
    shares.push_back(bytes.died_by(churn_age_ns));
    return shares;
  }
};

std::vector<std::vector<double>> resample(const Cohorts& cohorts, const Shares& shares) {
  std::mt19937_64 random(kSeed);
  std::uniform_int_distribution<std::size_t> draw(0, cohorts.units.size() - 1);
  std::vector<std::vector<double>> replicates;
  std::vector<unsigned> times(cohorts.units.size());
  for (unsigned replicate = 0; replicate < kResamplings; ++replicate) {
    std::ranges::fill(times, 0u);
    for (std::size_t i = 0; i < times.size(); ++i) ++times[draw(random)];
    Ages ages;
    for (std::size_t i = 0; i < times.size(); ++i) {
      if (times[i] > 0) ages.add(cohorts.units[i], times[i]);
    }
    replicates.push_back(shares.of({ages.died, ages.alive}, {ages.died_bytes, ages.alive_bytes}));
  }
  return replicates;
}

std::vector<model::Estimate> with_intervals(const std::vector<double>& values, const Cohorts& cohorts,
                                            const Shares& shares, bool exact) {
  std::vector<model::Estimate> estimates;
  estimates.reserve(values.size());
  for (const double value : values) estimates.push_back({value, {}, {}});
  if (exact || cohorts.count < kBurstsForInterval) return estimates;
  const auto replicates = resample(cohorts, shares);
  std::vector<double> sorted(replicates.size());
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    std::ranges::transform(replicates, sorted.begin(), [i](const auto& replicate) { return replicate[i]; });
    std::ranges::sort(sorted);
    const Limits independent = wilson(values[i], cohorts.effective_births);
    const std::size_t tail = bootstrap_tail(kResamplings, cohorts.units.size());
    estimates[i].low = std::min(sorted[tail], independent.low);
    estimates[i].high = std::max(sorted[kResamplings - 1 - tail], independent.high);
  }
  return estimates;
}

std::optional<double> identified_quantile(const SurvivalCurve& objects, double share, std::uint64_t followed_ns) {
  const auto age_ns = objects.age_ns(share);
  if (!age_ns || *age_ns > static_cast<double>(followed_ns)) return std::nullopt;
  return *age_ns / kNsPerSecond;
}

// At most kLargestBuckets runs of equally many log-linear buckets, from the first death to followed_ns.
std::vector<std::pair<double, double>> age_buckets(const SurvivalCurve& objects, std::uint64_t followed_ns) {
  const unsigned last = ps_log_linear_index(followed_ns);
  unsigned first = 0;
  while (first <= last && objects.died_by_end_of(first) <= 0) ++first;
  if (first > last) return {};
  const unsigned step = (last - first) / kLargestBuckets + 1;
  std::vector<std::pair<double, double>> buckets;
  double before = 0;
  for (unsigned begin = first; begin <= last; begin += step) {
    const std::uint64_t upper_ns =
        std::min<std::uint64_t>(ps_log_linear_upper(std::min(begin + step - 1, last)), followed_ns);
    const double by_end = objects.died_by(upper_ns);
    if (by_end > before) buckets.emplace_back(static_cast<double>(upper_ns) / kNsPerSecond, by_end - before);
    before = by_end;
  }
  return buckets;
}

}  // namespace

std::optional<LifetimeEstimates> estimate_lifetimes(const RecordList& records, const Basis& basis) {
  const Cohorts cohorts = gather(Sample::of_allocations(with_births(records), basis));
  if (cohorts.births < (basis.exact ? 1 : kBirthsForLifetimes) || cohorts.followed_ns == 0) return std::nullopt;
  Ages all;
  for (const Ages& unit : cohorts.units) all.add(unit, 1);
  const SurvivalCurve objects(all.died, all.alive), bytes(all.died_bytes, all.alive_bytes);

  Shares shares{{}, std::min(kChurnAgeNs, cohorts.followed_ns)};
  std::ranges::copy_if(kAgesNs, std::back_inserter(shares.ages_ns),
                       [&](std::uint64_t age_ns) { return age_ns <= cohorts.followed_ns; });
  const auto estimates = with_intervals(shares.of(objects, bytes), cohorts, shares, basis.exact);

  LifetimeEstimates result;
  for (std::size_t i = 0; i < shares.ages_ns.size(); ++i) {
    result.lifetime.below[static_cast<double>(shares.ages_ns[i]) / kNsPerSecond] = estimates[i];
  }
  result.lifetime.p50_seconds = identified_quantile(objects, 0.50, cohorts.followed_ns);
  result.lifetime.p95_seconds = identified_quantile(objects, 0.95, cohorts.followed_ns);
  result.lifetime.identified_below_seconds = static_cast<double>(cohorts.followed_ns) / kNsPerSecond;
  result.lifetime.buckets = age_buckets(objects, cohorts.followed_ns);
  const auto any = [](const BucketWeights& weights) {
    return std::ranges::any_of(weights, [](double w) { return w > 0; });
  };
  result.churn_known = any(all.died_bytes) || any(all.alive_bytes);
  result.churn_ratio = estimates.back();
  result.churn_age_seconds = static_cast<double>(shares.churn_age_ns) / kNsPerSecond;
  return result;
}

}  // namespace poolscope::estimate
