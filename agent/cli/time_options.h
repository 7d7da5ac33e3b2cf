#pragma once
// --from and --to, of the commands that read recordings and agents.

#include <CLI/App.hpp>

#include "exporters/model/time_point.h"

namespace poolscope::cli {

// `span` must outlive `app`. A time that cannot be read is a usage error.
void add_time_options(CLI::App& app, model::TimeSpan& span);

}  // namespace poolscope::cli
