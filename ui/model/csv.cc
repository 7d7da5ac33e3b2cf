#include "ui/model/csv.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "exporters/text/report.h"

namespace poolscope::viewer {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? fmt::format("{}", *value) : "";
}

// "gets (1/s)", "allocated (bytes/s)", "hit ratio (ratio)".
std::string with_unit(const std::string& name, Unit unit, const std::string& per) {
  switch (unit) {
    case Unit::kBytes:
      return name + " (bytes" + per + ")";
    case Unit::kSeconds:
      return name + " (seconds" + per + ")";
    case Unit::kRatio:
      return name + " (ratio)";
    default:
      return name + (per.empty() ? "" : " (1" + per + ")");
  }
}

}  // namespace

std::string csv_of(const TimePlot& plot, const TimeRange& range) {
  std::map<std::uint64_t, std::vector<const Sample*>> by_time;
  for (std::size_t i = 0; i < plot.lines.size(); ++i) {
    for (const Sample& sample : plot.lines[i].series.samples) {
      if (!range.holds(sample.unix_ns)) continue;
      auto& samples = by_time[sample.unix_ns];
      samples.resize(plot.lines.size());
      samples[i] = &sample;
    }
  }
  std::string csv = "time,unix_seconds";
  for (const PlotLine& line : plot.lines) {
    const std::string name = with_unit(line.name, plot.unit, plot.per);
    csv += "," + quoted(name) + "," + quoted(name + ", low") + "," + quoted(name + ", high");
  }
  csv += "\n";
  for (const auto& [unix_ns, samples] : by_time) {
    csv += fmt::format("{},{:.3f}", text::utc_time(unix_ns), static_cast<double>(unix_ns) * 1e-9);
    for (const Sample* sample : samples) {
      csv += "," + (sample != nullptr ? number(sample->value) : "");
      csv += "," + (sample != nullptr ? number(sample->low) : "");
      csv += "," + (sample != nullptr ? number(sample->high) : "");
    }
    csv += "\n";
  }
  return csv;
}

std::string csv_of(const BarPlot& plot) {
  std::string csv =
      quoted(with_unit("above", plot.unit, "")) + "," + quoted(with_unit("up to", plot.unit, "")) + ",share\n";
  for (const Bar& bar : plot.bars) csv += number(bar.low) + "," + number(bar.high) + "," + number(bar.share) + "\n";
  return csv;
}

std::string csv_of(const CurvePlot& plot) {
  std::string csv = quoted(with_unit(plot.x_name, plot.x_unit, "")) + ",low,high\n";
  for (const CurvePoint& point : plot.points)
    csv += number(point.x) + "," + number(point.low) + "," + number(point.high) + "\n";
  return csv;
}

}  // namespace poolscope::viewer
