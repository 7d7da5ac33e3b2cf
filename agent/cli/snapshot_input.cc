#include "agent/cli/snapshot_input.h"

#include "agent/cli/fetch.h"
#include "agent/cli/input.h"
#include "agent/cli/progress.h"
#include "exporters/model/json.h"

namespace poolscope::cli {
namespace {

constexpr std::size_t kMaxSnapshotBytes = std::size_t{64} << 20;

Result<std::string, std::string> fetch_with_progress(const std::string& url) {
  Progress progress("fetch " + url);
  return fetch_url(url, [&] { progress.update("the agent"); }, {.max_bytes = kMaxSnapshotBytes});
}

}  // namespace

Result<model::Snapshot, std::string> parse_snapshot(std::string_view text, const std::string& source) {
  auto snapshot = model::snapshot_from_json(text);
  if (!snapshot) return Failure{source + " is no poolscope report: " + model::describe(snapshot.error())};
  return std::move(snapshot.value());
}

Result<model::Snapshot, std::string> load_snapshot(const std::string& source) {
  const bool remote = is_url(source);
  const std::string name = remote ? snapshot_url(source) : source == "-" ? "stdin" : source;
  const auto text = remote ? fetch_with_progress(name) : read_input(source, kMaxSnapshotBytes);
  if (!text) return Failure{text.error()};
  return parse_snapshot(*text, name);
}

}  // namespace poolscope::cli
