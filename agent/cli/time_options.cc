#include "agent/cli/time_options.h"

#include <optional>
#include <string>

namespace poolscope::cli {
namespace {

void add_time_option(CLI::App& app, const std::string& name, std::optional<model::TimePoint>& time,
                     const std::string& description) {
  const auto read = [&time](const std::string& text) {
    const auto parsed = model::parse_time_point(text);
    if (!parsed) throw CLI::ValidationError(parsed.error());
    time = *parsed;
  };
  app.add_option_function<std::string>(name, read, description)->type_name("TIME");
}

}  // namespace

void add_time_options(CLI::App& app, model::TimeSpan& span) {
  add_time_option(app, "--from", span.from, "what was measured since then: -90s before the end, or unix seconds");
  add_time_option(app, "--to", span.to, "what was known then; default: the end of the recording, or now");
}

}  // namespace poolscope::cli
