#pragma once
// Numbers as views show them: short in the cell, exact with interval in the tooltip. The words are those of exporters/text.

#include <string>

#include "exporters/model/estimate.h"
#include "ui/model/table.h"

namespace poolscope::viewer {

enum class Unit { kCount, kBytes, kSeconds, kRatio };

// "688 k", "92.4 MiB", "38 µs", "43.5 %".
[[nodiscard]] std::string short_text(double value, Unit unit);
// With every digit that means something: "688 012", "96 888 422 B", "43.4872 %".
[[nodiscard]] std::string exact_text(double value, Unit unit);
// "688 012/s, 95 % interval 661 204/s – 714 820/s".
[[nodiscard]] std::string exact_text(const model::Estimate& estimate, Unit unit, const std::string& per);

// `absent`: why there is none, when there is none.
[[nodiscard]] Cell cell_of(const model::MaybeEstimate& estimate, Unit unit, const std::string& per,
                           const std::string& absent);
[[nodiscard]] Cell cell_of(std::optional<double> value, Unit unit, const std::string& per, const std::string& absent);

[[nodiscard]] model::MaybeEstimate as_estimate(const std::optional<double>& value);
[[nodiscard]] std::optional<double> value_of(const model::MaybeEstimate& estimate);

}  // namespace poolscope::viewer
