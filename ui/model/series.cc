#include "ui/model/series.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "exporters/text/report.h"
#include "exporters/text/wording.h"

namespace poolscope::viewer {
namespace {

using Samples = std::vector<Sample>;
using Place = Samples::const_iterator;

// Those in the range, and one on either side.
std::pair<Place, Place> part_of(const Samples& samples, const TimeRange& range) {
  auto first = std::ranges::lower_bound(samples, range.from_ns, {}, &Sample::unix_ns);
  auto last = std::ranges::upper_bound(samples, range.to_ns, {}, &Sample::unix_ns);
  if (first != samples.begin()) --first;
  if (last != samples.end()) ++last;
  return {first, std::max(first, last)};
}

TracePoint point_of(const Sample& sample, const TimeRange& range) {
  return {range.position(static_cast<double>(sample.unix_ns)), sample.value, sample.low, sample.high, sample.begins};
}

void widen(TracePoint& point, const Sample& sample) {
  if (sample.low) point.low = std::min(point.low.value_or(*sample.low), *sample.low);
  if (sample.high) point.high = std::max(point.high.value_or(*sample.high), *sample.high);
}

// One or two points for samples that share a column.
void add_column(Trace& trace, Place first, Place last, const TimeRange& range) {
  const auto [least, greatest] =
      std::minmax_element(first, last, [](const Sample& one, const Sample& other) { return one.value < other.value; });
  const bool begins = std::any_of(first, last, [](const Sample& sample) { return sample.begins; });
  TracePoint earlier = point_of(*std::min(least, greatest), range);
  for (auto sample = first; sample != last; ++sample) widen(earlier, *sample);
  earlier.begins = begins;
  trace.push_back(earlier);
  if (least == greatest) return;
  TracePoint later = point_of(*std::max(least, greatest), range);
  later.low = earlier.low;
  later.high = earlier.high;
  later.begins = false;
  trace.push_back(later);
}

}  // namespace

Trace trace_of(const Series& series, const TimeRange& range, std::size_t columns) {
  Trace trace;
  const auto [first, last] = part_of(series.samples, range);
  if (range.length_ns() == 0 || columns == 0) return trace;
  if (static_cast<std::size_t>(last - first) <= columns) {
    for (auto sample = first; sample != last; ++sample) trace.push_back(point_of(*sample, range));
    return trace;
  }
  const auto column_of = [&](const Sample& sample) {
    return std::floor(range.position(static_cast<double>(sample.unix_ns)) * static_cast<double>(columns));
  };
  for (auto sample = first; sample != last;) {
    const double column = column_of(*sample);
    const auto next = std::find_if(sample, last, [&](const Sample& other) { return column_of(other) != column; });
    add_column(trace, sample, next, range);
    sample = next;
  }
  return trace;
}

const Sample* nearest(const Series& series, const TimeRange& range, std::uint64_t unix_ns) {
  const Sample* best = nullptr;
  const auto distance = [&](const Sample& sample) {
    return sample.unix_ns > unix_ns ? sample.unix_ns - unix_ns : unix_ns - sample.unix_ns;
  };
  const auto after = std::ranges::lower_bound(series.samples, unix_ns, {}, &Sample::unix_ns);
  for (auto place : {after, after == series.samples.begin() ? after : std::prev(after)}) {
    if (place == series.samples.end() || !range.holds(place->unix_ns)) continue;
    if (best == nullptr || distance(*place) < distance(*best)) best = &*place;
  }
  return best;
}

std::optional<Extent> extent_of(const Series& series, const TimeRange& range) {
  std::optional<Extent> extent;
  for (const Sample& sample : series.samples) {
    if (!range.holds(sample.unix_ns) || !std::isfinite(sample.value)) continue;
    const double low = sample.low.value_or(sample.value), high = sample.high.value_or(sample.value);
    if (!extent) extent = Extent{low, high};
    extent = Extent{std::min({extent->low, low, sample.value}), std::max({extent->high, high, sample.value})};
  }
  return extent;
}

std::vector<double> axis_marks(double high, std::size_t most, bool is_bytes) {
  most = std::max<std::size_t>(most, 1);
  if (!(high > 0) || !std::isfinite(high)) high = 1;
  const double wanted = high / static_cast<double>(most);
  double step = 0;
  if (is_bytes) {
    step = std::exp2(std::ceil(std::log2(wanted)));
  } else {
    const double power = std::pow(10, std::floor(std::log10(wanted)));
    for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
      step = power * factor;
      if (step >= wanted * (1 - 1e-9)) break;
    }
  }
  std::vector<double> marks = {0};
  while (marks.back() < high * (1 - 1e-9) && marks.size() <= most)
    marks.push_back(static_cast<double>(marks.size()) * step);
  return marks;
}

std::string length_text(const TimeRange& range) {
  return text::format_seconds(std::round(static_cast<double>(range.length_ns()) / kNsPerSecond));
}

std::vector<TimeMark> time_marks(const TimeRange& range, std::size_t most) {
  static constexpr std::array<std::uint64_t, 19> kSteps = {
      1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800};
  constexpr std::uint64_t kSecond = 1'000'000'000, kMinute = 60;
  std::vector<TimeMark> marks;
  if (range.length_ns() == 0) return marks;
  const std::uint64_t seconds = range.length_ns() / kSecond;
  most = std::max<std::size_t>(most, 1);
  std::uint64_t step = kSteps.back();
  for (const std::uint64_t candidate : kSteps) {
    if (seconds / candidate <= most) {
      step = candidate;
      break;
    }
  }
  while (seconds / step > most) step *= 2;
  const std::string end_day = text::utc_time(range.to_ns).substr(0, 10);
  for (std::uint64_t at = ((range.from_ns + kSecond - 1) / kSecond + step - 1) / step * step;
       at * kSecond <= range.to_ns; at += step) {
    const std::string time = text::utc_time(at * kSecond);  // "2026-11-20 11:42:07 UTC"
    std::string label = time.substr(11, step % kMinute == 0 ? 5 : 8);
    if (time.substr(0, 10) != end_day) label.insert(0, time, 5, 6);
    marks.push_back({at * kSecond, std::move(label)});
  }
  return marks;
}

}  // namespace poolscope::viewer
