#pragma once
// Series: one quantity over time, and what of it is drawn: never more than two points for a column of pixels, and no extreme lost.
//   Holes     where nothing was measured the line ends and begins anew; it is never drawn through.
//   Threads   values; no sharing.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ui/model/time_axis.h"

namespace poolscope::viewer {

struct Sample {
  std::uint64_t unix_ns = 0;
  double value = 0;
  std::optional<double> low, high;  // 95 % interval
  bool begins = false;              // there is a hole before it
  bool operator==(const Sample&) const = default;
};

struct Series {
  std::vector<Sample> samples;  // ascending by time
  [[nodiscard]] bool empty() const { return samples.empty(); }
  bool operator==(const Series&) const = default;
};

// A point of a line. `position`: 0 at the beginning of the range, 1 at its end; those next to the range lie outside of 0..1.
struct TracePoint {
  double position = 0;
  double value = 0;
  std::optional<double> low, high;
  bool begins = false;
};
using Trace = std::vector<TracePoint>;

// The line of `series` in `range` on `columns` columns of pixels: the samples themselves while they are fewer, else the least and the greatest of
// each column in the order in which they came, with the widest interval. One sample on either side goes along, so that lines reach the edges.
[[nodiscard]] Trace trace_of(const Series& series, const TimeRange& range, std::size_t columns);

// The sample nearest to a time; nullptr: there is none in the range.
[[nodiscard]] const Sample* nearest(const Series& series, const TimeRange& range, std::uint64_t unix_ns);

// What an axis has to hold.
struct Extent {
  double low = 0, high = 0;
};
// Of the values and intervals of the samples in `range`; nothing when it has none.
[[nodiscard]] std::optional<Extent> extent_of(const Series& series, const TimeRange& range);

// Where an axis from 0 to at least `high` has its marks: at most `most` + 1 of them, at 1, 2 or 5 times a power of ten, or of two for bytes. The last
// one is the end of the axis.
[[nodiscard]] std::vector<double> axis_marks(double high, std::size_t most, bool is_bytes);

// "42 s", "4.52 min"
[[nodiscard]] std::string length_text(const TimeRange& range);

struct TimeMark {
  std::uint64_t unix_ns = 0;
  std::string label;  // "11:42:05", or "11:42"; with the day where that is another one
};
// At whole seconds, minutes or hours; UTC, as everywhere.
[[nodiscard]] std::vector<TimeMark> time_marks(const TimeRange& range, std::size_t most);

}  // namespace poolscope::viewer
