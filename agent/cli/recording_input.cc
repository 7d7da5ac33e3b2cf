#include "agent/cli/recording_input.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
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

// One of the files that are read as one recording.
struct Part {
  std::string name;
  Reader reader;
  [[nodiscard]] const ChunkPlace& first() const { return reader.chunks().front(); }
  [[nodiscard]] const ChunkPlace& last() const { return reader.chunks().back(); }
};

std::uint64_t monotonic_ns(std::uint64_t unix_ns, const ChunkPlace& chunk) {
  return unix_ns - chunk.header.unix_less_monotonic_ns;
}

// Why they are not one recording.
std::optional<std::string> problem_between(const Part& earlier, const Part& later) {
  const std::string both = earlier.name + " and " + later.name;
  if (later.first().header.first_unix_ns < earlier.last().header.last_unix_ns) {
    return both + " are of the same time; ask for one after the other";
  }
  const std::uint64_t end_ns = monotonic_ns(earlier.last().header.last_unix_ns, earlier.last());
  if (monotonic_ns(later.first().header.last_unix_ns, later.first()) < end_ns) {
    return "the machine was started anew between " + both + "; ask for one after the other";
  }
  return std::nullopt;
}

// In the order of their time.
Result<std::vector<Part>, std::string> open_all(const std::vector<std::string>& paths) {
  std::vector<Part> parts;
  for (const auto& path : paths) {
    auto reader = Reader::open(path);
    if (!reader) return Failure{reader.error()};
    parts.push_back({path, std::move(*reader)});
  }
  std::ranges::sort(parts, {}, [](const Part& part) { return part.first().header.first_unix_ns; });
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (auto problem = problem_between(parts[i - 1], parts[i])) return Failure{*std::move(problem)};
  }
  return parts;
}

// "night.poolscope", "night.poolscope.1 to night.poolscope".
std::string name_of(const std::vector<Part>& parts) {
  return parts.size() == 1 ? parts.front().name : parts.front().name + " to " + parts.back().name;
}

Result<UnixRange, std::string> range_of(const std::vector<Part>& parts, const model::TimeSpan& span) {
  const std::uint64_t first_ns = parts.front().first().header.first_unix_ns;
  const std::uint64_t last_ns = parts.back().last().header.last_unix_ns;
  UnixRange range{0, last_ns};
  if (span.from) range.from_ns = span.from->unix_ns(last_ns);
  if (span.to) range.to_ns = std::min(span.to->unix_ns(last_ns), last_ns);
  if (range.from_ns <= range.to_ns && range.from_ns <= last_ns && range.to_ns >= first_ns) return range;
  const std::string holds = name_of(parts) + " holds " + seconds_text(first_ns) + " to " + seconds_text(last_ns) +
                            " (seconds since the epoch); ";
  return Failure{holds + (span.from && range.from_ns > range.to_ns && range.from_ns <= last_ns
                              ? "--from must lie before --to"
                              : "nothing of the range that was asked for is in it")};
}

// A wall clock that was set counts as it was in the end.
model::TimeRange monotonic(const UnixRange& range, const ChunkPlace& last) {
  const auto convert = [&](std::uint64_t unix_ns) {
    const std::uint64_t earlier_ns = last.header.last_unix_ns - std::min(unix_ns, last.header.last_unix_ns);
    const std::uint64_t end_ns = monotonic_ns(last.header.last_unix_ns, last);
    return end_ns - std::min(earlier_ns, end_ns);
  };
  return {convert(range.from_ns), convert(range.to_ns) + model::kClockSlackNs};
}

struct ChunkOfPart {
  Part* part;
  ChunkPlace chunk;
};

// Those that meet the range, and before them what they cannot be read without.
std::vector<ChunkOfPart> chunks_of(std::vector<Part>& parts, const UnixRange& range) {
  std::vector<ChunkOfPart> chunks;
  for (auto& part : parts) {
    for (const auto& chunk : part.reader.chunks()) chunks.push_back({&part, chunk});
  }
  auto first = std::ranges::find_if(chunks, [&](const auto& each) { return range.meets(each.chunk); });
  while (first != chunks.end() && first != chunks.begin() &&
         (first->chunk.header.flags & recording::kBeginsWithState) == 0) {
    --first;
  }
  chunks.erase(chunks.begin(), first);
  std::erase_if(chunks, [&](const auto& each) { return each.chunk.header.first_unix_ns > range.to_ns; });
  return chunks;
}

void read(const ChunkOfPart& from, estimate::Replay& replay) {
  from.part->reader.read(from.chunk, [&replay](recording::Line line) {
    if (const auto* of_target = std::get_if<recording::LineOfTarget>(&line)) {
      replay.take(of_target->target, of_target->record);
    } else {
      replay.take(std::get<model::Moment>(line));
    }
  });
}

Result<std::optional<model::Snapshot>, std::string> replay(std::vector<Part>& parts, const UnixRange& range,
                                                           Progress& progress) {
  estimate::Replay replay(monotonic(range, parts.back().last()));
  std::uint64_t read_bytes = 0;
  for (const auto& each : chunks_of(parts, range)) {
    read_bytes += each.chunk.header.text_bytes;
    if (read_bytes > kMaxRangeBytes) {
      return Failure{name_of(parts) + " holds more records than fit; ask for a shorter time"};
    }
    progress.update("records");
    read(each, replay);
  }
  return replay.snapshot();
}

void tell_remarks(const std::vector<Part>& parts) {
  for (const auto& part : parts) {
    const std::string remark = part.reader.remark();
    if (!remark.empty()) (void)print("poolscope: " + part.name + ": " + remark + "\n", STDERR_FILENO);
  }
}

}  // namespace

bool is_folder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

Result<std::vector<std::string>, std::string> recordings_in(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (recording::is_recording(entries->path())) paths.push_back(entries->path());
  }
  if (error) return Failure{"cannot read " + folder + ": " + error.message()};
  if (paths.empty()) return Failure{"there is no recording in " + folder};
  return paths;
}

Result<model::Snapshot, std::string> load_recordings(const std::vector<std::string>& paths,
                                                     const model::TimeSpan& span) {
  auto parts = open_all(paths);
  if (!parts) return Failure{parts.error()};
  const auto range = range_of(*parts, span);
  if (!range) return Failure{range.error()};
  Progress progress("read " + name_of(*parts));
  auto snapshot = replay(*parts, *range, progress);
  progress.erase();
  if (!snapshot) return Failure{snapshot.error() + " with --from and --to"};
  tell_remarks(*parts);
  if (*snapshot) return **std::move(snapshot);
  return Failure{name_of(*parts) + " holds no moment in the range that was asked for; ask for a longer time"};
}

Result<std::vector<model::Snapshot>, std::string> load_pieces(const std::vector<std::string>& paths,
                                                              std::chrono::nanoseconds piece, std::size_t max_pieces) {
  auto parts = open_all(paths);
  if (!parts) return Failure{parts.error()};
  const std::uint64_t first_ns = parts->front().first().header.first_unix_ns;
  const std::uint64_t last_ns = parts->back().last().header.last_unix_ns;
  const auto length_ns = static_cast<std::uint64_t>(piece.count());
  const std::uint64_t count = last_ns > first_ns ? (last_ns - first_ns) / length_ns : 0;
  if (count > max_pieces) {
    return Failure{name_of(*parts) + " holds " + std::to_string(count) + " pieces of that length, at most " +
                   std::to_string(max_pieces) + " are taken; ask for longer ones"};
  }
  Progress progress("read " + name_of(*parts));
  std::vector<model::Snapshot> pieces;
  for (std::uint64_t i = 0; i < count; ++i) {
    const UnixRange range{first_ns + i * length_ns, first_ns + (i + 1) * length_ns};
    auto snapshot = replay(*parts, range, progress);
    if (!snapshot) return Failure{snapshot.error()};
    if (*snapshot) pieces.push_back(**std::move(snapshot));
  }
  progress.erase();
  tell_remarks(*parts);
  return pieces;
}

}  // namespace poolscope::cli
