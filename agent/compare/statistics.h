#pragma once
// The statistics of a comparison. Nothing is assumed of how samples are distributed, only that they are independent.
//   Median     interval by order statistics: X(d) to X(n+1-d) covers it with 1 - 2 P(B < d), B binomial(n, 1/2) (Conover, Practical
//              Nonparametric Statistics, 3.2; Hollander & Wolfe 3.6). Needs 6 samples for 95 %.
//   Test       Mann-Whitney U, two-sided, p = 2 min(P(U <= u), P(U >= u)), at most 1 (Mann & Whitney 1947). Exact, as the permutation
//              distribution of the mid-rank sum, ties included, up to kExactSamples; above with the normal approximation, the variance
//              corrected for ties and continuity corrected (Lehmann, Nonparametrics, 1.3 and 1.4).
//   Ratio      interval by inverting that test on the logarithm: order statistics of all ratios new_j / base_i (Hodges & Lehmann 1963;
//              Hollander & Wolfe 4.3). Ties make it wider, never too narrow.
//   Many rows  Holm 1979. What cannot be significant whatever the samples say is no part of the family (Tarone 1990).
//   Estimates  ratio of two estimates that have intervals of their own: MOVER on the logarithm (Zou & Donner 2008).

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "exporters/model/snapshot.h"

namespace poolscope::compare {

inline constexpr double kAlpha = 0.05;            // all intervals are of 1 - kAlpha
inline constexpr std::size_t kExactSamples = 50;  // of both sides together

struct Interval {
  double low = 0, high = 0;
  bool operator==(const Interval&) const = default;
};

// `samples` is not empty.
[[nodiscard]] double median(std::vector<double> samples);
// Nothing below samples_for_interval().
[[nodiscard]] std::optional<Interval> median_interval(std::vector<double> samples);
[[nodiscard]] std::size_t samples_for_interval();

// The smallest p that samples of these sizes can give when no two are equal.
[[nodiscard]] double smallest_p(std::size_t base, std::size_t fresh);
// Samples needed on each side for a p of at most `alpha`.
[[nodiscard]] std::size_t samples_for_difference(double alpha);

// Keeps the distributions that it computed.
class RankTest {
 public:
  // Both sides have samples; 1 when all are equal.
  [[nodiscard]] double p_value(std::span<const double> base, std::span<const double> fresh);
  // Interval of new / base. Nothing with too few samples, or when a sample of base is not above 0 or one of `fresh` below.
  [[nodiscard]] std::optional<Interval> ratio_interval(std::span<const double> base, std::span<const double> fresh);

 private:
  // P(U <= u) without ties, for u from 0 on.
  const std::vector<double>& distribution(std::size_t base, std::size_t fresh);
  std::size_t extremes_outside(std::size_t base, std::size_t fresh);

  std::map<std::pair<std::size_t, std::size_t>, std::vector<double>> distributions_;
};

// Adjusted so that the chance of one wrong rejection or more is at most the level that they are compared with. In the order of `p_values`.
[[nodiscard]] std::vector<double> holm(std::span<const double> p_values);

// Of ratios above 0; nothing when there is none.
[[nodiscard]] std::optional<double> geometric_mean(std::span<const double> ratios);

// How alike neighbours are, -1 to 1; nothing when all are equal or fewer than 4.
[[nodiscard]] std::optional<double> lag_one_correlation(std::span<const double> samples);

struct EstimateComparison {
  double p = 1;
  std::optional<Interval> ratio;  // absent when an interval reaches 0: p is of the difference then
};
// Nothing when one has no interval, or an interval without width where the values are equal.
[[nodiscard]] std::optional<EstimateComparison> compare_estimates(const model::Estimate& base,
                                                                  const model::Estimate& fresh);

}  // namespace poolscope::compare
