#pragma once
// The makers of all views, one line each; views.cc puts them into the table.

#include <memory>

#include "ui/draw/view.h"

namespace poolscope::viewer {

[[nodiscard]] std::unique_ptr<View> make_overview_view();
[[nodiscard]] std::unique_ptr<View> make_pools_view();
[[nodiscard]] std::unique_ptr<View> make_churn_view();
[[nodiscard]] std::unique_ptr<View> make_gc_view();
[[nodiscard]] std::unique_ptr<View> make_compare_view();
[[nodiscard]] std::unique_ptr<View> make_advice_view();
[[nodiscard]] std::unique_ptr<View> make_health_view();

}  // namespace poolscope::viewer
