#include "ui/model/counters.h"

#include <algorithm>
#include <functional>

namespace poolscope::viewer {
namespace {

using Samples = std::vector<Sample>;

// Calls `told(first, last)` for each stretch of samples at whose end `totals` has grown, [first, last] without first; the last one may
// be one that has not.
void for_each_growth(const Samples& totals, const std::function<void(std::size_t, std::size_t)>& told) {
  std::size_t first = 0;
  for (std::size_t i = 1; i < totals.size(); ++i) {
    const bool is_cut = totals[i].begins || totals[i].value < totals[first].value;
    if (is_cut) {
      if (i - 1 > first) told(first, i - 1);
      first = i;
    } else if (totals[i].value > totals[first].value) {
      told(first, i);
      first = i;
    }
  }
  if (!totals.empty() && totals.size() - 1 > first) told(first, totals.size() - 1);
}

void add(Series& series, const Samples& totals, std::size_t first, std::size_t last, double value) {
  for (std::size_t i = first + 1; i <= last; ++i) {
    const bool is_joined = !series.empty() && series.samples.back().unix_ns == totals[i - 1].unix_ns;
    series.samples.push_back({totals[i].unix_ns, value, {}, {}, !is_joined});
  }
}

}  // namespace

Series rate_of_counter(const Series& totals) {
  Series rates;
  const Samples& all = totals.samples;
  for_each_growth(all, [&](std::size_t first, std::size_t last) {
    const double seconds = static_cast<double>(all[last].unix_ns - all[first].unix_ns) / kNsPerSecond;
    if (seconds > 0) add(rates, all, first, last, (all[last].value - all[first].value) / seconds);
  });
  return rates;
}

Series ratio_of_counters(const Series& part, const Series& whole) {
  Series ratios;
  const Samples& all = whole.samples;
  const auto part_at = [&](std::uint64_t unix_ns) {
    const auto found = std::ranges::lower_bound(part.samples, unix_ns, {}, &Sample::unix_ns);
    return found != part.samples.end() && found->unix_ns == unix_ns ? std::optional(found->value) : std::nullopt;
  };
  for_each_growth(all, [&](std::size_t first, std::size_t last) {
    const double added = all[last].value - all[first].value;
    const auto before = part_at(all[first].unix_ns), after = part_at(all[last].unix_ns);
    if (added > 0 && before && after && *after >= *before) add(ratios, all, first, last, (*after - *before) / added);
  });
  return ratios;
}

Series joined(Series estimated, const Series& counted) {
  if (counted.empty()) return estimated;
  const std::uint64_t begin_ns = counted.samples.front().unix_ns;
  std::erase_if(estimated.samples, [&](const Sample& sample) { return sample.unix_ns >= begin_ns; });
  const bool is_first = estimated.empty();
  estimated.samples.insert(estimated.samples.end(), counted.samples.begin(), counted.samples.end());
  if (!is_first) estimated.samples[estimated.samples.size() - counted.samples.size()].begins = false;
  return estimated;
}

}  // namespace poolscope::viewer
