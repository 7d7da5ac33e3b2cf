#include "agent/cli/recording_input.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "agent/cli/output.h"
#include "agent/cli/progress.h"
#include "agent/estimate/replay.h"
#include "exporters/recording/reader.h"

namespace poolscope::cli {
namespace {

using recording::ChunkPlace;
using recording::Reader;

// What records of a range may be as text; in memory they are about as large.
constexpr std::uint64_t kMaxRangeBytes = std::uint64_t{1} << 30;

struct UnixRange {
  std::uint64_t from_ns = 0, to_ns = 0;
  [[nodiscard]] bool meets(const ChunkPlace& chunk) const {
    return chunk.header.last_unix_ns >= from_ns && chunk.header.first_unix_ns <= to_ns;
  }
};

std::string seconds_text(std::uint64_t unix_ns) {
  return std::to_string(unix_ns / 1'000'000'000);
}

Result<UnixRange, std::string> range_of(const Reader& reader, const std::string& path, const model::TimeSpan& span) {
  const std::uint64_t first_ns = reader.chunks().front().header.first_unix_ns;
  const std::uint64_t last_ns = reader.chunks().back().header.last_unix_ns;
  UnixRange range{0, last_ns};
  if (span.from) range.from_ns = span.from->unix_ns(last_ns);
  if (span.to) range.to_ns = std::min(span.to->unix_ns(last_ns), last_ns);
  if (range.from_ns <= range.to_ns && range.from_ns <= last_ns && range.to_ns >= first_ns) return range;
  const std::string holds =
      path + " holds " + seconds_text(first_ns) + " to " + seconds_text(last_ns) + " (seconds since the epoch); ";
  return Failure{holds + (span.from && range.from_ns > range.to_ns && range.from_ns <= last_ns
                              ? "--from must lie before --to"
                              : "nothing of the range that was asked for is in it")};
}

// A wall clock that was set counts as it was in the end.
model::TimeRange monotonic(const UnixRange& range, const ChunkPlace& last) {
  const auto convert = [&](std::uint64_t unix_ns) {
    const std::uint64_t earlier_ns = last.header.last_unix_ns - std::min(unix_ns, last.header.last_unix_ns);
    const std::uint64_t end_ns = last.header.last_unix_ns - last.header.unix_less_monotonic_ns;
    return end_ns - std::min(earlier_ns, end_ns);
  };
  return {convert(range.from_ns), convert(range.to_ns) + model::kClockSlackNs};
}

// Those that meet the range, and before them what they cannot be read without.
std::vector<ChunkPlace> chunks_of(const Reader& reader, const UnixRange& range) {
  const auto& chunks = reader.chunks();
  auto first = std::ranges::find_if(chunks, [&](const auto& chunk) { return range.meets(chunk); });
  while (first != chunks.end() && first != chunks.begin() && (first->header.flags & recording::kBeginsWithState) == 0)
    --first;
  std::vector<ChunkPlace> result(first, chunks.end());
  std::erase_if(result, [&](const auto& chunk) { return chunk.header.first_unix_ns > range.to_ns; });
  return result;
}

Result<std::optional<model::Snapshot>, std::string> replay(Reader& reader, const std::string& path,
                                                           const UnixRange& range, Progress& progress) {
  estimate::Replay replay(monotonic(range, reader.chunks().back()));
  std::uint64_t read_bytes = 0;
  for (const ChunkPlace& chunk : chunks_of(reader, range)) {
    read_bytes += chunk.header.text_bytes;
    if (read_bytes > kMaxRangeBytes) {
      return Failure{path + " holds more records than fit; ask for a shorter time"};
    }
    progress.update("records");
    reader.read(chunk, [&replay](recording::Line line) {
      if (const auto* of_target = std::get_if<recording::LineOfTarget>(&line)) {
        replay.take(of_target->target, of_target->record);
      } else {
        replay.take(std::get<model::Moment>(line));
      }
    });
  }
  return replay.snapshot();
}

void tell_remark(const Reader& reader, const std::string& path) {
  if (const std::string remark = reader.remark(); !remark.empty()) {
    (void)print("poolscope: " + path + ": " + remark + "\n", STDERR_FILENO);
  }
}

}  // namespace

Result<model::Snapshot, std::string> load_recording(const std::string& path, const model::TimeSpan& span) {
  auto reader = Reader::open(path);
  if (!reader) return Failure{reader.error()};
  const auto range = range_of(*reader, path, span);
  if (!range) return Failure{range.error()};
  Progress progress("read " + path);
  auto snapshot = replay(*reader, path, *range, progress);
  progress.erase();
  if (!snapshot) return Failure{snapshot.error() + " with --from and --to"};
  tell_remark(*reader, path);
  if (*snapshot) return **std::move(snapshot);
  return Failure{path + " holds no moment in the range that was asked for; ask for a longer time"};
}

Result<std::vector<model::Snapshot>, std::string> load_pieces(const std::string& path, std::chrono::nanoseconds piece,
                                                              std::size_t max_pieces) {
  auto reader = Reader::open(path);
  if (!reader) return Failure{reader.error()};
  const std::uint64_t first_ns = reader->chunks().front().header.first_unix_ns;
  const std::uint64_t last_ns = reader->chunks().back().header.last_unix_ns;
  const auto length_ns = static_cast<std::uint64_t>(piece.count());
  const std::uint64_t count = last_ns > first_ns ? (last_ns - first_ns) / length_ns : 0;
  if (count > max_pieces) {
    return Failure{path + " holds " + std::to_string(count) + " pieces of that length, at most " +
                   std::to_string(max_pieces) + " are taken; ask for longer ones"};
  }
  Progress progress("read " + path);
  std::vector<model::Snapshot> pieces;
  for (std::uint64_t i = 0; i < count; ++i) {
    const UnixRange range{first_ns + i * length_ns, first_ns + (i + 1) * length_ns};
    auto snapshot = replay(*reader, path, range, progress);
    if (!snapshot) return Failure{snapshot.error()};
    if (*snapshot) pieces.push_back(**std::move(snapshot));
  }
  progress.erase();
  tell_remark(*reader, path);
  return pieces;
}

}  // namespace poolscope::cli
