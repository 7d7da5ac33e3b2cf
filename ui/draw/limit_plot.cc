// Distributions and curves over a limit, with markers that can be dragged.
#include <algorithm>
#include <cmath>
#include <vector>

#include "exporters/text/report.h"
#include "ui/draw/draw_text.h"
#include "ui/draw/plot.h"
#include "ui/draw/plot_area.h"
#include "ui/model/csv.h"

namespace poolscope::viewer {
namespace {

constexpr float kMarkerLine = 2, kGrip = 6, kCurveAlpha = 0.22F;

std::vector<LegendEntry> legend_of(Frame& frame, const std::vector<Marker>& markers, Unit unit) {
  std::vector<LegendEntry> legend;
  for (const Marker& marker : markers)
    legend.push_back({marker.name + " " + short_text(marker.value, unit), frame.theme.of_line(marker.colour)});
  return legend;
}

// The button that belongs to a marker; what it is dragged to.
std::optional<MarkerDrag> drag_marker(Frame& frame, const PlotArea& area, const LogAxis& axis, std::string_view plot,
                                      const Marker& marker, float x) {
  const float grip = frame.px(kGrip);
  const std::string name = std::string(plot) + "." + marker.id;
  const ImVec2 before = ImGui::GetCursorScreenPos();
  ImGui::SetCursorScreenPos({x - grip, area.min.y});
  ImGui::PushID(name.c_str());
  ImGui::InvisibleButton("marker", {2 * grip, std::max(area.max.y - area.min.y, 1.0F)});
  ImGui::PopID();
  frame.widgets.note(name, marker.name);
  if (ImGui::IsItemHovered() || ImGui::IsItemActive()) ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
  std::optional<MarkerDrag> drag;
  const bool is_over = ImGui::IsItemDeactivated();
  if (is_over || (ImGui::IsItemActive() && ImGui::IsMouseDragging(ImGuiMouseButton_Left, 0))) {
    const double position = (ImGui::GetIO().MousePos.x - area.min.x) / std::max(area.width(), 1.0F);
    drag = MarkerDrag{marker.id, std::max(1.0, std::round(axis.value(position))), is_over};
  }
  ImGui::SetCursorScreenPos(before);
  return drag;
}

std::optional<MarkerDrag> draw_markers(Frame& frame, const PlotArea& area, const LogAxis& axis, std::string_view plot,
                                       const std::vector<Marker>& markers) {
  std::optional<MarkerDrag> drag;
  for (const Marker& marker : markers) {
    const float x = std::round(area.x(std::clamp(axis.position(marker.value), 0.0, 1.0)));
    const ImU32 colour = frame.theme.of_line(marker.colour);
    area.list->AddLine({x, area.min.y}, {x, area.max.y}, colour, frame.px(kMarkerLine));
    if (!marker.can_be_dragged) continue;
    const float grip = frame.px(kGrip);
    area.list->AddTriangleFilled({x - grip, area.min.y}, {x + grip, area.min.y}, {x, area.min.y + 1.4F * grip}, colour);
    area.list->AddTriangleFilled({x - grip, area.max.y}, {x, area.max.y - 1.4F * grip}, {x + grip, area.max.y}, colour);
    if (auto one = drag_marker(frame, area, axis, plot, marker, x)) drag = std::move(one);
  }
  return drag;
}

void include(double& low, double& high, const std::vector<Marker>& markers) {
  for (const Marker& marker : markers) {
    if (!(marker.value > 0)) continue;
    low = std::min(low, marker.value);
    high = std::max(high, marker.value);
  }
}

void draw_bars(Frame& frame, const PlotArea& area, const LogAxis& axis, const std::vector<Bar>& bars) {
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  for (const Bar& bar : bars) {
    const float left = area.x(std::clamp(axis.position(bar.low), 0.0, 1.0));
    const float right = std::max(area.x(std::clamp(axis.position(bar.high), 0.0, 1.0)), left + 1);
    const bool is_under_mouse = area.is_hovered && mouse.x >= left && mouse.x < right;
    area.list->AddRectFilled({left, area.y(bar.share)}, {right - (right - left > 3 ? 1.0F : 0.0F), area.max.y},
                             with_alpha(frame.theme.of_line(0), is_under_mouse ? 1 : 0.75F));
    if (is_under_mouse) tooltip(bar.tooltip);
  }
}

void draw_curve(Frame& frame, const PlotArea& area, const LogAxis& axis, const CurvePlot& plot) {
  const ImU32 colour = frame.theme.of_line(0);
  std::vector<ImVec2> lows, highs;
  for (const CurvePoint& point : plot.points) {
    const float x = area.x(axis.position(point.x));
    lows.push_back({x, area.y(point.low)});
    highs.push_back({x, area.y(point.high)});
  }
  const SharpFill fill(*area.list);
  for (std::size_t i = 1; i < lows.size(); ++i)
    area.list->AddQuadFilled(lows[i - 1], highs[i - 1], highs[i], lows[i], with_alpha(colour, kCurveAlpha));
  draw_polyline(*area.list, lows, colour, frame.px(kMarkerLine));
  draw_polyline(*area.list, highs, colour, frame.px(kMarkerLine));
}

void show_curve_at_mouse(const PlotArea& area, const LogAxis& axis, const CurvePlot& plot) {
  const float mouse_x = ImGui::GetIO().MousePos.x;
  if (!area.is_hovered || mouse_x < area.min.x || mouse_x > area.max.x) return;
  const double value = axis.value((mouse_x - area.min.x) / area.width());
  const auto distance = [&](const CurvePoint& point) { return std::abs(std::log2(point.x) - std::log2(value)); };
  const auto point = std::ranges::min_element(plot.points, {}, distance);
  std::string said =
      plot.x_name + " " + exact_text(point->x, plot.x_unit) + "\n" + exact_text(point->low, Unit::kRatio);
  if (point->high != point->low) said += " – " + exact_text(point->high, Unit::kRatio);
  tooltip(said);
}

std::optional<MarkerDrag> draw_bars_in_group(Frame& frame, const BarPlot& plot, ImVec2 size) {
  double low = 1e300, high = 0, top = 0;
  for (const Bar& bar : plot.bars) {
    low = std::min(low, std::max(bar.low, 1.0));
    high = std::max(high, bar.high);
    top = std::max(top, bar.share);
  }
  include(low, high, plot.markers);
  const PlotArea area = begin_area(frame, {plot.id, plot.title, Unit::kRatio, ""},
                                   legend_of(frame, plot.markers, plot.unit), top > 0 ? top : 1, size);
  if (plot.bars.empty()) {
    say_absent(frame, area, plot.absent);
    return std::nullopt;
  }
  draw_plot_menu(frame, plot.id, [&] { return csv_of(plot); });
  const LogAxis axis(low, high);
  draw_bars(frame, area, axis, plot.bars);
  draw_log_marks(frame, area, axis, plot.unit);
  return draw_markers(frame, area, axis, plot.id, plot.markers);
}

std::optional<MarkerDrag> draw_curve_in_group(Frame& frame, const CurvePlot& plot, ImVec2 size) {
  double low = 1e300, high = 0, top = 0;
  for (const CurvePoint& point : plot.points) {
    low = std::min(low, point.x);
    high = std::max(high, point.x);
    top = std::max(top, point.high);
  }
  include(low, high, plot.markers);
  const PlotArea area = begin_area(frame, {plot.id, plot.title, Unit::kRatio, ""},
                                   legend_of(frame, plot.markers, plot.x_unit), top > 0 ? top : 1, size);
  if (plot.points.empty()) {
    say_absent(frame, area, plot.absent);
    return std::nullopt;
  }
  draw_plot_menu(frame, plot.id, [&] { return csv_of(plot); });
  const LogAxis axis(low, high);
  draw_curve(frame, area, axis, plot);
  draw_log_marks(frame, area, axis, plot.x_unit);
  show_curve_at_mouse(area, axis, plot);
  return draw_markers(frame, area, axis, plot.id, plot.markers);
}

// What comes after the plot goes by its place, not by that of its markers.
template <typename Draw>
std::optional<MarkerDrag> as_group(const Draw& draw) {
  ImGui::BeginGroup();
  auto drag = draw();
  ImGui::EndGroup();
  return drag;
}

}  // namespace

std::optional<MarkerDrag> draw_bar_plot(Frame& frame, const BarPlot& plot, ImVec2 size) {
  return as_group([&] { return draw_bars_in_group(frame, plot, size); });
}

std::optional<MarkerDrag> draw_curve_plot(Frame& frame, const CurvePlot& plot, ImVec2 size) {
  return as_group([&] { return draw_curve_in_group(frame, plot, size); });
}

}  // namespace poolscope::viewer
