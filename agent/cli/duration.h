#pragma once
// Durations on the command line: "500ms", "12s", "1.5s", "2m", "1m30s", "1h".

#include <chrono>
#include <string>
#include <string_view>

#include <CLI/App.hpp>

#include "poolscope/result.h"

namespace poolscope::cli {

// A number without a unit is refused: nobody knows whether 30 means seconds or milliseconds. At most 1000 hours.
[[nodiscard]] Result<std::chrono::nanoseconds, std::string> parse_duration(std::string_view text);

// "90 ms", "12 s", "2 min 5 s", "1 h 40 min": for people, with the two largest units at most.
[[nodiscard]] std::string format_duration(std::chrono::nanoseconds duration);

// An option NAME DURATION; a duration below `shortest` is a usage error. `value` holds the default and must outlive `app`.
CLI::Option* add_duration_option(CLI::App& app, const std::string& name, std::chrono::nanoseconds& value,
                                 std::chrono::nanoseconds shortest, const std::string& description);

}  // namespace poolscope::cli
