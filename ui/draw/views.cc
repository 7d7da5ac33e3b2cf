#include "ui/draw/views.h"

#include <algorithm>

namespace poolscope::viewer {
namespace {

constexpr ViewEntry kViews[] = {
    {'1', "overview", "Overview", make_overview_view}, {'2', "pools", "Pools", make_pools_view},
    {'3', "churn", "Churn", make_churn_view},          {'4', "gc", "GC", make_gc_view},
    {'5', "compare", "Compare", make_compare_view},    {'6', "advice", "Advice", make_advice_view},
    {'7', "health", "Health", make_health_view},
};

}  // namespace

std::span<const ViewEntry> all_views() {
  return kViews;
}

std::size_t view_index(std::string_view id) {
  const auto found = std::ranges::find(kViews, id, [](const ViewEntry& entry) { return std::string_view(entry.id); });
  return found == std::end(kViews) ? 0 : static_cast<std::size_t>(found - std::begin(kViews));
}

}  // namespace poolscope::viewer
