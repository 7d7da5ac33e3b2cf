// Lines over time, sparklines among them.
#include <algorithm>
#include <cmath>
#include <vector>

#include "exporters/text/wording.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/plot.h"
#include "ui/draw/plot_area.h"
#include "ui/model/csv.h"

namespace poolscope::viewer {
namespace {

constexpr float kLine = 1.6F, kBandAlpha = 0.22F, kStackAlpha = 0.55F;
constexpr float kWheelZoom = 0.8F;
constexpr double kHeadroom = 1.05;
constexpr std::size_t kPixelsPerTimeMark = 90;

// Calls `draw` with the points of each stretch without a hole.
template <typename Draw>
void for_each_stretch(const Trace& trace, const Draw& draw) {
  for (std::size_t first = 0; first < trace.size();) {
    std::size_t end = first + 1;
    while (end < trace.size() && !trace[end].begins) ++end;
    draw(first, end);
    first = end;
  }
}

void draw_band(const PlotArea& area, const Trace& trace, ImU32 colour) {
  const SharpFill fill(*area.list);
  for_each_stretch(trace, [&](std::size_t first, std::size_t end) {
    for (std::size_t i = first + 1; i < end; ++i) {
      const TracePoint &a = trace[i - 1], &b = trace[i];
      if (!a.low || !a.high || !b.low || !b.high) continue;
      area.list->AddQuadFilled({area.x(a.position), area.y(*a.low)}, {area.x(a.position), area.y(*a.high)},
                               {area.x(b.position), area.y(*b.high)}, {area.x(b.position), area.y(*b.low)}, colour);
    }
  });
}

void draw_line(const PlotArea& area, const Trace& trace, ImU32 colour, float thickness) {
  for_each_stretch(trace, [&](std::size_t first, std::size_t end) {
    std::vector<ImVec2> points;
    for (std::size_t i = first; i < end; ++i) points.push_back({area.x(trace[i].position), area.y(trace[i].value)});
    draw_polyline(*area.list, points, colour, thickness);
  });
}

void draw_stacked(const PlotArea& area, const Trace& trace, const Trace& below, ImU32 colour) {
  const SharpFill fill(*area.list);
  for_each_stretch(trace, [&](std::size_t first, std::size_t end) {
    for (std::size_t i = first + 1; i < end; ++i) {
      const TracePoint &a = trace[i - 1], &b = trace[i];
      const double low_a = below.empty() ? 0 : below[i - 1].value, low_b = below.empty() ? 0 : below[i].value;
      area.list->AddQuadFilled({area.x(a.position), area.y(low_a)}, {area.x(a.position), area.y(a.value)},
                               {area.x(b.position), area.y(b.value)}, {area.x(b.position), area.y(low_b)}, colour);
    }
  });
}

// What each line comes to on top of those before it. Series of one plot have their samples at the same times, but where one has a hole.
Series sum_of(const Series& below, const Series& series) {
  if (below.empty()) return series;
  Series sum;
  for (const Sample& sample : series.samples) {
    const auto base = std::ranges::lower_bound(below.samples, sample.unix_ns, {}, &Sample::unix_ns);
    Sample added = sample;
    if (base != below.samples.end() && base->unix_ns == sample.unix_ns) added.value += base->value;
    added.low = added.high = std::nullopt;
    sum.samples.push_back(added);
  }
  return sum;
}

std::vector<Series> drawn_series(const TimePlot& plot) {
  std::vector<Series> all;
  Series sum;
  for (const PlotLine& line : plot.lines) {
    if (plot.is_stacked) sum = sum_of(sum, line.series);
    all.push_back(plot.is_stacked ? sum : line.series);
  }
  return all;
}

double highest(const TimePlot& plot, const std::vector<Series>& drawn, const TimeRange& range) {
  if (plot.top) return *plot.top;
  double high = 0;
  for (const Series& series : drawn)
    if (const auto extent = extent_of(series, range)) high = std::max(high, extent->high);
  return high > 0 ? high * kHeadroom : 1;  // lines do not run along the edge
}

void draw_time_marks(Frame& frame, const PlotArea& area, const TimeRange& range) {
  const auto most = static_cast<std::size_t>(std::max(area.width() / frame.px(kPixelsPerTimeMark), 1.0F));
  float last_x = area.min.x - frame.px(1000);
  for (const TimeMark& mark : time_marks(range, most)) {
    const float x = std::round(area.x(range.position(static_cast<double>(mark.unix_ns))));
    area.list->AddLine({x, area.min.y}, {x, area.max.y}, frame.theme.grid);
    draw_x_mark(frame, area, x, mark.label, last_x);
  }
}

void show_values_at_mouse(Frame& frame, const PlotArea& area, const TimePlot& plot, const TimeRange& range) {
  const float mouse_x = ImGui::GetIO().MousePos.x;
  if (!area.is_hovered || mouse_x < area.min.x || mouse_x > area.max.x) return;
  area.list->AddLine({mouse_x, area.min.y}, {mouse_x, area.max.y}, frame.theme.dim);
  const std::uint64_t at_ns = range.at((mouse_x - area.min.x) / area.width());
  std::string said;
  std::uint64_t said_ns = 0;
  for (const PlotLine& line : plot.lines) {
    const Sample* sample = nearest(line.series, range, at_ns);
    if (sample == nullptr) continue;
    said_ns = sample->unix_ns;
    said += "\n" + line.name + "  " + exact_text({sample->value, sample->low, sample->high}, plot.unit, plot.per);
  }
  tooltip(said.empty() ? text::utc_time(at_ns) + "\nnothing was measured" : text::utc_time(said_ns) + said);
}

}  // namespace

void move_time_with_mouse(Frame& frame, float min_x, float max_x) {
  const ImGuiIO& io = ImGui::GetIO();
  const float width = std::max(max_x - min_x, 1.0F);
  if (ImGui::IsItemHovered() && io.MouseWheel != 0) {
    const double position = (io.MousePos.x - min_x) / width;
    const double factor = std::pow(kWheelZoom, io.MouseWheel);
    frame.state.move_time([&](TimeAxis& time) { time.zoom(factor, position); });
  }
  if (ImGui::IsItemActive() && io.MouseDelta.x != 0) {
    frame.state.move_time([&](TimeAxis& time) { time.pan(-io.MouseDelta.x / width); });
  }
}

void draw_time_plot(Frame& frame, const TimePlot& plot, ImVec2 size) {
  const TimeRange range = frame.state.time().shown();
  const std::vector<Series> drawn = drawn_series(plot);
  std::vector<LegendEntry> legend;
  for (const PlotLine& line : plot.lines)
    if (!line.series.empty()) legend.push_back({line.name, frame.theme.of_line(line.colour)});
  const PlotArea area =
      begin_area(frame, {plot.id, plot.title, plot.unit, plot.per}, legend, highest(plot, drawn, range), size);
  if (legend.empty()) return say_absent(frame, area, plot.absent);
  draw_plot_menu(frame, plot.id, [&] { return csv_of(plot, range); });
  move_time_with_mouse(frame, area.min.x, area.max.x);
  draw_time_marks(frame, area, range);
  const auto columns = static_cast<std::size_t>(std::max(area.width(), 1.0F));
  area.list->PushClipRect({area.min.x, area.min.y - 1}, {area.max.x, area.max.y + 1}, true);
  Trace below;
  for (std::size_t i = 0; i < plot.lines.size(); ++i) {
    const ImU32 colour = frame.theme.of_line(plot.lines[i].colour);
    const Trace trace = trace_of(drawn[i], range, columns);
    if (plot.is_stacked) {
      draw_stacked(area, trace, below.size() == trace.size() ? below : Trace(), with_alpha(colour, kStackAlpha));
      if (!trace.empty()) below = trace;
    } else {
      draw_band(area, trace, with_alpha(colour, kBandAlpha));
      if (plot.lines[i].is_area) draw_stacked(area, trace, {}, with_alpha(colour, kBandAlpha));
    }
    draw_line(area, trace, colour, frame.px(kLine));
  }
  area.list->PopClipRect();
  show_values_at_mouse(frame, area, plot, range);
}

void draw_spark(Frame& frame, std::string_view name, const Series& series, ImU32 colour, ImVec2 size, Unit unit,
                const std::string& per) {
  const TimeRange range = frame.state.time().shown();
  PlotArea area;
  area.list = ImGui::GetWindowDrawList();
  area.min = ImGui::GetCursorScreenPos();
  area.max = {area.min.x + size.x, area.min.y + size.y};
  ImGui::PushID(name.data(), name.data() + name.size());
  ImGui::InvisibleButton("spark", size);
  ImGui::PopID();
  frame.widgets.note(name);
  const auto extent = extent_of(series, range);
  if (!extent) {
    draw_text_at(*area.list, {area.min.x, area.min.y + (size.y - ImGui::GetFontSize()) / 2}, frame.theme.dim, "–",
                 size.x, 0.5F);
    return;
  }
  move_time_with_mouse(frame, area.min.x, area.max.x);
  area.top = extent->high > 0 ? extent->high * 1.05 : 1;
  area.is_hovered = ImGui::IsItemHovered();
  area.list->PushClipRect(area.min, area.max, true);
  const Trace trace = trace_of(series, range, static_cast<std::size_t>(std::max(size.x, 1.0F)));
  draw_stacked(area, trace, {}, with_alpha(colour, kBandAlpha));
  draw_line(area, trace, colour, frame.px(kLine));
  area.list->PopClipRect();
  show_values_at_mouse(frame, area, {"", "", unit, per, {{"", series, 0, false}}, false, {}, ""}, range);
}

}  // namespace poolscope::viewer
