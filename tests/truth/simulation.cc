#include "tests/truth/simulation.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "agent/estimate/summarize.h"

namespace poolscope::truth {
namespace {

using model::AllocationSummary;
using model::MaybeEstimate;

struct Figure {
  const char* name;
  bool is_share;
  std::function<std::optional<double>(const Truth&)> truth;
  std::function<MaybeEstimate(const AllocationSummary&)> estimate;
};

std::optional<double> share(double part, double whole) {
  if (whole <= 0) return std::nullopt;
  return part / whole;
}

MaybeEstimate below(const AllocationSummary& summary, double age_seconds) {
  if (!summary.lifetime) return std::nullopt;
  const auto found = summary.lifetime->below.find(age_seconds);
  return found == summary.lifetime->below.end() ? std::nullopt : MaybeEstimate(found->second);
}

Figure size_figure(const char* name, double p, std::uint64_t model::SizeSummary::*value,
                   std::optional<model::SizeLimits> model::SizeSummary::*limits) {
  return {name, false,
          [p](const Truth& truth) -> std::optional<double> {
            const auto bytes = truth.size_quantile(p);
            return bytes ? std::optional(static_cast<double>(*bytes)) : std::nullopt;
          },
          [value, limits](const AllocationSummary& summary) -> MaybeEstimate {
            if (!summary.size_bytes) return std::nullopt;
            model::Estimate estimate{static_cast<double>((*summary.size_bytes).*value), {}, {}};
            if (const auto& found = (*summary.size_bytes).*limits) {
              estimate.low = static_cast<double>(found->low);
              if (found->high) estimate.high = static_cast<double>(*found->high);
            }
            return estimate;
          }};
}

std::vector<Figure> figures() {
  using model::SizeSummary;
  return {
      {"allocations/s", false, &Truth::allocations_per_second, &AllocationSummary::per_second},
      {"bytes/s", false, &Truth::bytes_per_second, &AllocationSummary::bytes_per_second},
      {"frees/s", false, &Truth::frees_per_second, &AllocationSummary::frees_per_second},
      size_figure("p50 size", 0.50, &SizeSummary::p50, &SizeSummary::p50_limits),
      size_figure("p95 size", 0.95, &SizeSummary::p95, &SizeSummary::p95_limits),
      size_figure("p99 size", 0.99, &SizeSummary::p99, &SizeSummary::p99_limits),
      {"F(1 ms)", true,
       [](const Truth& truth) {
         return share(static_cast<double>(truth.lives().dead_by_1ms), static_cast<double>(truth.lives().births));
       },
       [](const AllocationSummary& summary) { return below(summary, 0.001); }},
      {"F(10 ms)", true,
       [](const Truth& truth) {
         return share(static_cast<double>(truth.lives().dead_by_10ms), static_cast<double>(truth.lives().births));
       },
       [](const AllocationSummary& summary) { return below(summary, 0.01); }},
      {"churn", true, [](const Truth& truth) { return share(truth.lives().bytes_dead_by_10ms, truth.lives().bytes); },
       [](const AllocationSummary& summary) {
         return summary.churn_age_seconds == 0.01 ? summary.churn_ratio : std::nullopt;
       }},
  };
}

struct Sums {
  double values = 0;
  unsigned estimates = 0, inside = 0;
  std::vector<double> half_widths;

  void add(const MaybeEstimate& estimate, double truth) {
    if (!estimate) return;
    ++estimates;
    values += estimate->value;
    if (!estimate->low || !estimate->high) return;
    half_widths.push_back((*estimate->high - *estimate->low) / 2);
    if (*estimate->low <= truth && truth <= *estimate->high) ++inside;
  }
};

Cell cell_of(const Figure& figure, double truth, Sums& sums) {
  Cell cell{figure.name, truth, 0, 0, 0, sums.estimates, static_cast<unsigned>(sums.half_widths.size())};
  const double unit = figure.is_share || truth == 0 ? 1 : truth;
  if (sums.estimates > 0) cell.bias = (sums.values / sums.estimates - truth) / unit;
  if (sums.half_widths.empty()) return cell;
  cell.coverage = static_cast<double>(sums.inside) / cell.intervals;
  const auto middle = sums.half_widths.begin() + static_cast<std::ptrdiff_t>(sums.half_widths.size() / 2);
  std::ranges::nth_element(sums.half_widths, middle);
  cell.half_width = *middle / unit;
  return cell;
}

}  // namespace

std::vector<Cell> simulate(const EventStream& stream, const Design& design, unsigned replays, std::uint64_t seed,
                           std::uint64_t skip_ns) {
  const std::uint64_t begin_ns = std::min(stream.begin_ns + skip_ns, stream.end_ns);
  // The last part of the stream is only there to follow lives; what does not fill a stratum is left out.
  const std::uint64_t room_ns =
      stream.end_ns - begin_ns - std::min(stream.end_ns - begin_ns, 2 * design.burst.follow_max_ns);
  const Range range{begin_ns, begin_ns + room_ns / design.stratum_ns * design.stratum_ns};
  Truth truth(range);
  truth.add(stream);
  SimulatedKernel kernel(stream);
  std::mt19937_64 random(seed);
  const std::vector<Figure> all = figures();
  std::vector<Sums> sums(all.size());
  for (unsigned replay = 0; replay < replays; ++replay) {
    const Observation seen = observe(kernel, design, range, random);
    const auto summary = estimate::summarize({seen.bursts, seen.strata}).allocations;
    for (std::size_t i = 0; i < all.size(); ++i) sums[i].add(all[i].estimate(summary), all[i].truth(truth).value_or(0));
  }
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (const auto value = all[i].truth(truth)) cells.push_back(cell_of(all[i], *value, sums[i]));
  }
  return cells;
}

}  // namespace poolscope::truth
