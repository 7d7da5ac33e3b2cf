#pragma once
// PlotArea: the frame of a plot, and the ways from values to pixels. Used by the plots alone.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <imgui.h>

#include "ui/draw/frame.h"
#include "ui/model/plots.h"

namespace poolscope::viewer {

struct LegendEntry {
  std::string name;
  ImU32 colour = 0;
};

struct PlotArea {
  ImDrawList* list = nullptr;
  ImVec2 min, max;  // where values are drawn
  double top = 1;   // value at the upper edge; the lower one is 0
  bool is_hovered = false;

  [[nodiscard]] float width() const { return max.x - min.x; }
  [[nodiscard]] float x(double position) const { return min.x + static_cast<float>(position) * width(); }
  [[nodiscard]] float y(double value) const;
};

struct PlotText {
  std::string_view id, title;
  Unit unit = Unit::kCount;
  std::string per;
};

// Title, legend, frame and the marks of the y axis, which ends at `high` or above. One item for the mouse, named as the plot.
[[nodiscard]] PlotArea begin_area(Frame& frame, const PlotText& text, const std::vector<LegendEntry>& legend,
                                  double high, ImVec2 size);
// The menu of the plot that begin_area() has just begun: `csv` is asked for what it shows when somebody wants to save it.
//   Widgets   "PLOT.menu.csv" and "PLOT.menu.png", while it is open.
void draw_plot_menu(Frame& frame, std::string_view id, const std::function<std::string()>& csv);
// In place of everything within the frame.
void say_absent(Frame& frame, const PlotArea& area, std::string_view reason);
// Below the x axis, centred there; left out when it would touch the one before it, whose end is `last_x`.
void draw_x_mark(Frame& frame, const PlotArea& area, float x, std::string_view label, float& last_x);
void draw_polyline(ImDrawList& list, const std::vector<ImVec2>& points, ImU32 colour, float thickness);

// Areas that touch each other: smooth edges would show as seams.
class SharpFill {
 public:
  explicit SharpFill(ImDrawList& list) : list_(list), flags_(list.Flags) {
    list_.Flags &= ~ImDrawListFlags_AntiAliasedFill;
  }
  ~SharpFill() { list_.Flags = flags_; }
  SharpFill(const SharpFill&) = delete;
  SharpFill& operator=(const SharpFill&) = delete;

 private:
  ImDrawList& list_;
  ImDrawListFlags flags_;
};

// An x axis in powers of two.
class LogAxis {
 public:
  LogAxis(double low, double high);
  [[nodiscard]] double position(double value) const;
  [[nodiscard]] double value(double position) const;
  // Powers of two, at most `most` of them.
  [[nodiscard]] std::vector<double> marks(std::size_t most) const;

 private:
  double low_exponent_, high_exponent_;
};
// Below the x axis, as many as have room.
void draw_log_marks(Frame& frame, const PlotArea& area, const LogAxis& axis, Unit unit);

}  // namespace poolscope::viewer
