#include "agent/cli/snapshot_input.h"

#include "agent/cli/input.h"
#include "agent/cli/progress.h"
#include "agent/cli/recording_input.h"
#include "agent/client/fetch.h"
#include "agent/client/recordings.h"
#include "exporters/model/json.h"
#include "exporters/recording/reader.h"

namespace poolscope::cli {
namespace {

constexpr std::size_t kMaxSnapshotBytes = std::size_t{64} << 20;

Result<std::string, std::string> fetch_with_progress(const std::string& url) {
  Progress progress("fetch " + url);
  return client::fetch_url(url, [&] { progress.update("the agent"); }, {.max_bytes = kMaxSnapshotBytes});
}

std::string time_text(const model::TimePoint& time) {
  const std::string seconds = std::to_string(time.ns / 1'000'000'000), rest = std::to_string(time.ns % 1'000'000'000);
  const std::string text = seconds + "." + std::string(9 - rest.size(), '0') + rest;
  return time.before_end ? "-" + text + "s" : text;
}

std::string with_span(std::string url, const model::TimeSpan& span) {
  const auto add = [&url](const char* name, const std::optional<model::TimePoint>& time) {
    if (time) url += (url.find('?') == std::string::npos ? "?" : "&") + (name + ("=" + time_text(*time)));
  };
  add("from", span.from);
  add("to", span.to);
  return url;
}

}  // namespace

Result<model::Snapshot, std::string> parse_snapshot(std::string_view text, const std::string& source) {
  auto snapshot = model::snapshot_from_json(text);
  if (!snapshot) return Failure{source + " is no poolscope report: " + model::describe(snapshot.error())};
  return std::move(snapshot.value());
}

Result<model::Snapshot, std::string> load_snapshot(const std::string& source, const model::TimeSpan& span) {
  const bool remote = client::is_url(source);
  if (!remote && client::is_folder(source)) {
    const auto paths = client::recordings_in(source);
    return paths ? load_recordings(*paths, span) : Failure{paths.error()};
  }
  if (!remote && source != "-" && recording::is_recording(source)) return load_recordings({source}, span);
  if (!remote && !span.is_open()) {
    return Failure{source + " is a report of one moment; --from and --to are for recordings and agents"};
  }
  const std::string name = remote ? with_span(client::snapshot_url(source), span) : source == "-" ? "stdin" : source;
  const auto text = remote ? fetch_with_progress(name) : read_input(source, kMaxSnapshotBytes);
  if (!text) return Failure{text.error()};
  return parse_snapshot(*text, name);
}

}  // namespace poolscope::cli
