#pragma once
// Plots, drawn with ImDrawList: title and legend above, marks with units on the left and below, exact values under the mouse, a reason in place of
// what is absent.
//   Time      the wheel zooms at the mouse, dragging pans, for all views at once.
//   Handles   a marker that can be dragged is a widget "PLOT.MARKER"; what it was dragged to is returned while it is dragged.
//   Cost      at most two points for a column of pixels and line.

#include <optional>
#include <string>
#include <string_view>

#include <imgui.h>

#include "ui/draw/frame.h"
#include "ui/model/plots.h"

namespace poolscope::viewer {

// `size`: of all of it; a width of 0 is what there is room for.
void draw_time_plot(Frame& frame, const TimePlot& plot, ImVec2 size);

struct MarkerDrag {
  std::string marker;
  double value = 0;
  bool is_over = false;  // the mouse was let go
};
[[nodiscard]] std::optional<MarkerDrag> draw_bar_plot(Frame& frame, const BarPlot& plot, ImVec2 size);
[[nodiscard]] std::optional<MarkerDrag> draw_curve_plot(Frame& frame, const CurvePlot& plot, ImVec2 size);

// A line without axes, for tiles and rows; "–" in the middle when there is none.
void draw_spark(Frame& frame, std::string_view name, const Series& series, ImU32 colour, ImVec2 size, Unit unit,
                const std::string& per);

// What wheel and mouse over the last item ask of the time range.
void move_time_with_mouse(Frame& frame, float min_x, float max_x);

}  // namespace poolscope::viewer
