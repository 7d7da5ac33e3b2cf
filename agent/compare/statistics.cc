#include "agent/compare/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace poolscope::compare {
namespace {

constexpr double kZ975 = 1.959963984540054;
// What rounding may add to a probability that is exactly at the level.
constexpr double kRounding = 1e-12;
// No alpha that people use needs so many.
constexpr std::size_t kMostNeededSamples = 100;

double upper_tail(double z) {
  return 0.5 * std::erfc(z / std::sqrt(2.0));
}

// P(B = k), B binomial(n, 1/2).
double binomial_half(std::size_t n, std::size_t k) {
  const auto d = [](std::size_t x) { return static_cast<double>(x); };
  return std::exp(std::lgamma(d(n) + 1) - std::lgamma(d(k) + 1) - std::lgamma(d(n - k) + 1) - d(n) * std::log(2.0));
}

// How many order statistics lie outside of the interval at each end, plus 1; 0: there is no interval.
std::size_t first_inside(std::size_t n) {
  double outside = 0;
  std::size_t d = 0;
  while (2 * (d + 1) <= n) {
    outside += 2 * binomial_half(n, d);
    if (outside > kAlpha + kRounding) break;
    ++d;
  }
  return d;
}

// Twice the mid-ranks of base and fresh together, in that order: whole numbers. And the sum of t^3 - t over groups of t equal ones.
struct Ranks {
  std::vector<std::size_t> doubled;
  double tie_term = 0;
  std::size_t groups = 0;
};

Ranks rank(std::span<const double> base, std::span<const double> fresh) {
  std::vector<double> all(base.begin(), base.end());
  all.insert(all.end(), fresh.begin(), fresh.end());
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return all[i]; });
  Ranks ranks{std::vector<std::size_t>(all.size())};
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first + 1;
    while (end < order.size() && all[order[end]] == all[order[first]]) ++end;
    for (std::size_t i = first; i < end; ++i) ranks.doubled[order[i]] = first + 1 + end;
    const double tied = static_cast<double>(end - first);
    ranks.tie_term += tied * tied * tied - tied;
    ++ranks.groups;
    first = end;
  }
  return ranks;
}

// probability[s]: that `chosen` of `ranks`, drawn at random, sum to s.
std::vector<double> sums_of_draws(std::span<const std::size_t> ranks, std::size_t chosen) {
  const std::size_t largest = std::accumulate(ranks.begin(), ranks.end(), std::size_t{0});
  std::vector<std::vector<double>> ways(chosen + 1, std::vector<double>(largest + 1, 0.0));
  ways[0][0] = 1;
  for (const std::size_t rank : ranks) {
    for (std::size_t k = chosen; k >= 1; --k) {
      for (std::size_t s = largest; s >= rank; --s) ways[k][s] += ways[k - 1][s - rank];
    }
  }
  std::vector<double> probability = std::move(ways[chosen]);
  const double all = std::accumulate(probability.begin(), probability.end(), 0.0);
  for (double& p : probability) p /= all;
  return probability;
}

double exact_p(const Ranks& ranks, std::size_t drawn) {
  const auto observed =
      std::accumulate(ranks.doubled.begin(), ranks.doubled.begin() + static_cast<long>(drawn), std::size_t{0});
  const auto probability = sums_of_draws(ranks.doubled, drawn);
  const auto at = probability.begin() + static_cast<long>(observed);
  const double below = std::accumulate(probability.begin(), at + 1, 0.0);
  const double above = std::accumulate(at, probability.end(), 0.0);
  return std::min(1.0, 2 * std::min(below, above));
}

double normal_p(const Ranks& ranks, std::size_t base, std::size_t fresh) {
  const double n1 = static_cast<double>(base), n2 = static_cast<double>(fresh), n = n1 + n2;
  const double rank_sum =
      std::accumulate(ranks.doubled.begin(), ranks.doubled.begin() + static_cast<long>(base), 0.0) / 2;
  const double u = rank_sum - n1 * (n1 + 1) / 2;
  const double variance = n1 * n2 / 12 * (n + 1 - ranks.tie_term / (n * (n - 1)));
  const double distance = std::max(0.0, std::fabs(u - n1 * n2 / 2) - 0.5);
  return std::min(1.0, 2 * upper_tail(distance / std::sqrt(variance)));
}

std::optional<Interval> own_interval(const model::Estimate& estimate) {
  if (!estimate.low || !estimate.high) return std::nullopt;
  return Interval{std::min(*estimate.low, estimate.value), std::max(*estimate.high, estimate.value)};
}

// Of fresh - base, when both have these limits.
struct Difference {
  double value, low, high;
  [[nodiscard]] double p() const {
    // the side of the interval that looks towards 0 tells the standard error there
    const double reach = value >= 0 ? value - low : high - value;
    if (reach == 0) return value == 0 ? 1 : 0;
    const double z = kZ975 * std::fabs(value) / reach;
    return std::isfinite(z) ? std::min(1.0, 2 * upper_tail(z)) : 1;
  }
};

Difference mover(double base, const Interval& of_base, double fresh, const Interval& of_fresh) {
  const double value = fresh - base;
  return {value, value - std::hypot(fresh - of_fresh.low, of_base.high - base),
          value + std::hypot(of_fresh.high - fresh, base - of_base.low)};
}

Interval logarithm(const Interval& of) {
  return {std::log(of.low), std::log(of.high)};
}

}  // namespace

double median(std::vector<double> samples) {
  std::ranges::sort(samples);
  const std::size_t middle = samples.size() / 2;
  return samples.size() % 2 == 1 ? samples[middle] : std::midpoint(samples[middle - 1], samples[middle]);
}

std::optional<Interval> median_interval(std::vector<double> samples) {
  const std::size_t d = first_inside(samples.size());
  if (d == 0) return std::nullopt;
  std::ranges::sort(samples);
  return Interval{samples[d - 1], samples[samples.size() - d]};
}

std::size_t samples_for_interval() {
  std::size_t n = 1;
  while (first_inside(n) == 0) ++n;
  return n;
}

double smallest_p(std::size_t base, std::size_t fresh) {
  const double n1 = static_cast<double>(base), n2 = static_cast<double>(fresh);
  return std::min(1.0, 2 * std::exp(std::lgamma(n1 + 1) + std::lgamma(n2 + 1) - std::lgamma(n1 + n2 + 1)));
}

std::size_t samples_for_difference(double alpha) {
  std::size_t n = 1;
  while (n < kMostNeededSamples && smallest_p(n, n) > alpha + kRounding) ++n;
  return n;
}

double RankTest::p_value(std::span<const double> base, std::span<const double> fresh) {
  const Ranks ranks = rank(base, fresh);
  if (ranks.groups == 1) return 1;
  if (base.size() + fresh.size() > kExactSamples) return normal_p(ranks, base.size(), fresh.size());
  if (ranks.tie_term > 0) return exact_p(ranks, base.size());
  const auto& below = distribution(base.size(), fresh.size());
  const std::size_t n1 = base.size();
  const auto rank_sum =
      std::accumulate(ranks.doubled.begin(), ranks.doubled.begin() + static_cast<long>(n1), std::size_t{0}) / 2;
  const std::size_t u = rank_sum - n1 * (n1 + 1) / 2;
  const std::size_t smaller = std::min(u, n1 * fresh.size() - u);  // the distribution is symmetric
  return std::min(1.0, 2 * below[smaller]);
}

const std::vector<double>& RankTest::distribution(std::size_t base, std::size_t fresh) {
  auto& below = distributions_[{base, fresh}];
  if (!below.empty()) return below;
  std::vector<std::size_t> ranks(base + fresh);
  std::iota(ranks.begin(), ranks.end(), std::size_t{1});
  const auto sums = sums_of_draws(ranks, base);
  const std::size_t smallest = base * (base + 1) / 2;
  below.resize(base * fresh + 1);
  std::partial_sum(sums.begin() + static_cast<long>(smallest),
                   sums.begin() + static_cast<long>(smallest + below.size()), below.begin());
  return below;
}

// How many of the smallest and of the largest ratios lie outside of the interval, plus 1; 0: there is no interval.
std::size_t RankTest::extremes_outside(std::size_t base, std::size_t fresh) {
  if (base + fresh <= kExactSamples) {
    const auto& below = distribution(base, fresh);
    const auto first_too_likely = std::ranges::find_if(below, [](double p) { return 2 * p > kAlpha + kRounding; });
    return static_cast<std::size_t>(first_too_likely - below.begin());
  }
  const double n1 = static_cast<double>(base), n2 = static_cast<double>(fresh);
  const double cut = n1 * n2 / 2 - kZ975 * std::sqrt(n1 * n2 * (n1 + n2 + 1) / 12);
  return cut < 1 ? 0 : static_cast<std::size_t>(cut);
}

std::optional<Interval> RankTest::ratio_interval(std::span<const double> base, std::span<const double> fresh) {
  const std::size_t d = extremes_outside(base.size(), fresh.size());
  if (d == 0 || *std::ranges::min_element(base) <= 0 || *std::ranges::min_element(fresh) < 0) return std::nullopt;
  std::vector<double> ratios;
  ratios.reserve(base.size() * fresh.size());
  for (const double b : base) {
    for (const double f : fresh) ratios.push_back(f / b);
  }
  const auto nth = [&ratios](std::size_t i) {
    std::ranges::nth_element(ratios, ratios.begin() + static_cast<long>(i));
    return ratios[i];
  };
  const double low = nth(d - 1);
  return Interval{low, nth(ratios.size() - d)};
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return p_values[i]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0;
  for (std::size_t step = 0; step < order.size(); ++step) {
    const double p = p_values[order[step]] * static_cast<double>(order.size() - step);
    largest = std::max(largest, std::min(1.0, p));
    adjusted[order[step]] = largest;
  }
  return adjusted;
}

std::optional<double> geometric_mean(std::span<const double> ratios) {
  if (ratios.empty()) return std::nullopt;
  double sum = 0;
  for (const double ratio : ratios) sum += std::log(ratio);
  return std::exp(sum / static_cast<double>(ratios.size()));
}

std::optional<double> lag_one_correlation(std::span<const double> samples) {
  if (samples.size() < 4) return std::nullopt;
  const double mean = std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
  double together = 0, squares = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double here = samples[i] - mean;
    squares += here * here;
    if (i > 0) together += here * (samples[i - 1] - mean);
  }
  if (squares == 0) return std::nullopt;
  return together / squares;
}

std::optional<EstimateComparison> compare_estimates(const model::Estimate& base, const model::Estimate& fresh) {
  const auto of_base = own_interval(base), of_fresh = own_interval(fresh);
  if (!of_base || !of_fresh) return std::nullopt;
  if (of_base->low <= 0 || of_fresh->low <= 0) {
    return EstimateComparison{mover(base.value, *of_base, fresh.value, *of_fresh).p(), std::nullopt};
  }
  const Difference difference =
      mover(std::log(base.value), logarithm(*of_base), std::log(fresh.value), logarithm(*of_fresh));
  return EstimateComparison{difference.p(), Interval{std::exp(difference.low), std::exp(difference.high)}};
}

}  // namespace poolscope::compare
