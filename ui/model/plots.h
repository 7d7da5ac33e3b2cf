#pragma once
// What a plot shows, as values: view models make them, ui/draw/plot.h draws them.
//   Absent    a plot without anything to show says why, in its place.

#include <optional>
#include <string>
#include <vector>

#include "ui/model/series.h"
#include "ui/model/wording.h"

namespace poolscope::viewer {

// Which colour: of a palette whose neighbours are told apart by everybody.
using ColourIndex = unsigned;

struct PlotLine {
  std::string name;
  Series series;
  ColourIndex colour = 0;
  bool is_area = false;  // filled down to 0: seen although another line lies on it
};

// Lines over the time that all views show.
struct TimePlot {
  std::string id, title;
  Unit unit = Unit::kCount;
  std::string per;  // "/s", after each number
  std::vector<PlotLine> lines;
  bool is_stacked = false;    // each line on top of the ones before it
  std::optional<double> top;  // where the axis ends; else what is shown decides
  std::string absent;         // why there is nothing
};

// A value on the x axis of a distribution or a curve: the current limit, the recommended one, one that the user drags.
struct Marker {
  std::string id, name;
  double value = 0;
  ColourIndex colour = 0;
  bool can_be_dragged = false;
};

struct Bar {
  double low = 0, high = 0;  // from above `low` to `high`
  double share = 0;
  std::string tooltip;
};

// Shares over sizes or counts, the x axis in powers of two.
struct BarPlot {
  std::string id, title;
  Unit unit = Unit::kBytes;
  std::vector<Bar> bars;
  std::vector<Marker> markers;
  std::string absent;
};

struct CurvePoint {
  double x = 0;
  double low = 0, high = 0;  // alike where it is known exactly
};

// Shares that follow from a limit, the x axis in powers of two.
struct CurvePlot {
  std::string id, title;
  Unit x_unit = Unit::kCount;
  std::string x_name;
  std::vector<CurvePoint> points;
  std::vector<Marker> markers;
  std::string absent;
};

}  // namespace poolscope::viewer
