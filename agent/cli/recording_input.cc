#include "agent/cli/recording_input.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include <unistd.h>

#include "agent/cli/output.h"
#include "agent/cli/progress.h"
#include "agent/client/recordings.h"

namespace poolscope::cli {
namespace {

using client::Recordings;
using client::UnixRange;

std::string seconds_text(std::uint64_t unix_ns) {
  return std::to_string(unix_ns / 1'000'000'000);
}

Result<UnixRange, std::string> range_of(const Recordings& recordings, const model::TimeSpan& span) {
  const auto [first_ns, last_ns] = recordings.whole();
  UnixRange range{0, last_ns};
  if (span.from) range.from_ns = span.from->unix_ns(last_ns);
  if (span.to) range.to_ns = std::min(span.to->unix_ns(last_ns), last_ns);
  if (range.from_ns <= range.to_ns && range.from_ns <= last_ns && range.to_ns >= first_ns) return range;
  const std::string holds = recordings.name() + " holds " + seconds_text(first_ns) + " to " + seconds_text(last_ns) +
                            " (seconds since the epoch); ";
  return Failure{holds + (span.from && range.from_ns > range.to_ns && range.from_ns <= last_ns
                              ? "--from must lie before --to"
                              : "nothing of the range that was asked for is in it")};
}

Result<std::optional<model::Snapshot>, std::string> estimate(Recordings& recordings, const UnixRange& range,
                                                             Progress& progress) {
  return recordings.estimate(range, [&] {
    progress.update("records");
    return true;
  });
}

void tell_remarks(const Recordings& recordings) {
  for (const auto& remark : recordings.remarks()) (void)print("poolscope: " + remark + "\n", STDERR_FILENO);
}

}  // namespace

Result<model::Snapshot, std::string> load_recordings(const std::vector<std::string>& paths,
                                                     const model::TimeSpan& span) {
  auto recordings = Recordings::open(paths);
  if (!recordings) return Failure{recordings.error()};
  const auto range = range_of(*recordings, span);
  if (!range) return Failure{range.error()};
  Progress progress("read " + recordings->name());
  auto snapshot = estimate(*recordings, *range, progress);
  progress.erase();
  if (!snapshot) return Failure{snapshot.error() + " with --from and --to"};
  tell_remarks(*recordings);
  if (*snapshot) return **std::move(snapshot);
  return Failure{recordings->name() + " holds no moment in the range that was asked for; ask for a longer time"};
}

Result<std::vector<model::Snapshot>, std::string> load_pieces(const std::vector<std::string>& paths,
                                                              std::chrono::nanoseconds piece, std::size_t max_pieces) {
  auto recordings = Recordings::open(paths);
  if (!recordings) return Failure{recordings.error()};
  const auto [first_ns, last_ns] = recordings->whole();
  const auto length_ns = static_cast<std::uint64_t>(piece.count());
  const std::uint64_t count = last_ns > first_ns ? (last_ns - first_ns) / length_ns : 0;
  if (count > max_pieces) {
    return Failure{recordings->name() + " holds " + std::to_string(count) + " pieces of that length, at most " +
                   std::to_string(max_pieces) + " are taken; ask for longer ones"};
  }
  Progress progress("read " + recordings->name());
  std::vector<model::Snapshot> pieces;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto snapshot = estimate(*recordings, {first_ns + i * length_ns, first_ns + (i + 1) * length_ns}, progress);
    if (!snapshot) return Failure{snapshot.error()};
    if (*snapshot) pieces.push_back(**std::move(snapshot));
  }
  progress.erase();
  tell_remarks(*recordings);
  return pieces;
}

}  // namespace poolscope::cli
