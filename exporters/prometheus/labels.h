#pragma once
// Which names a configured label may have: those that Prometheus accepts and that none of our metrics uses itself.

#include <span>
#include <string_view>

namespace poolscope::prometheus_text {

// Letters, digits and '_', not beginning with a digit; names that begin with "__" belong to Prometheus.
[[nodiscard]] bool is_valid_label_name(std::string_view name);
// Labels of our own metrics, those to come included, and the two of histograms and summaries; sorted.
[[nodiscard]] std::span<const std::string_view> reserved_label_names();
[[nodiscard]] bool is_reserved_label_name(std::string_view name);

}  // namespace poolscope::prometheus_text
