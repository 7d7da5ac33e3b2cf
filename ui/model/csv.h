#pragma once
// What a plot shows as comma-separated values, for spreadsheets and scripts: a line of names, then one line each, numbers with all their
// digits and "." as the decimal point, nothing where nothing was measured. Names say the unit; ratios are 0 to 1. Texts are quoted as in
// RFC 4180.

#include <string>

#include "ui/model/plots.h"
#include "ui/model/series.h"

namespace poolscope::viewer {

// One line for each time at which any of the lines has a sample in `range`.
[[nodiscard]] std::string csv_of(const TimePlot& plot, const TimeRange& range);
[[nodiscard]] std::string csv_of(const BarPlot& plot);
[[nodiscard]] std::string csv_of(const CurvePlot& plot);

}  // namespace poolscope::viewer
