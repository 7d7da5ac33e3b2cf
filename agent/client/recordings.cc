#include "agent/client/recordings.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "agent/estimate/replay.h"

namespace poolscope::client {
namespace {

using recording::ChunkPlace;
using recording::Reader;

bool meets(const UnixRange& range, const ChunkPlace& chunk) {
  return chunk.header.last_unix_ns >= range.from_ns && chunk.header.first_unix_ns <= range.to_ns;
}

std::uint64_t monotonic_ns(std::uint64_t unix_ns, const ChunkPlace& chunk) {
  return unix_ns - chunk.header.unix_less_monotonic_ns;
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

void read(Reader& reader, const ChunkPlace& chunk, estimate::Replay& replay) {
  reader.read(chunk, [&replay](recording::Line line) {
    if (const auto* of_target = std::get_if<recording::LineOfTarget>(&line)) {
      replay.take(of_target->target, of_target->record);
    } else {
      replay.take(std::get<model::Moment>(line));
    }
  });
}

}  // namespace

// Why they are not one recording.
std::optional<std::string> Recordings::problem_between(const Part& earlier, const Part& later) {
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

Result<Recordings, std::string> Recordings::open(const std::vector<std::string>& paths) {
  std::vector<Part> parts;
  for (const auto& path : paths) {
    auto reader = Reader::open(path);
    if (!reader) return Failure{reader.error()};
    parts.push_back({path, std::move(*reader)});
  }
  if (parts.empty()) return Failure{std::string("no recording was given")};
  std::ranges::sort(parts, {}, [](const Part& part) { return part.first().header.first_unix_ns; });
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (auto problem = problem_between(parts[i - 1], parts[i])) return Failure{*std::move(problem)};
  }
  return Recordings(std::move(parts));
}

std::string Recordings::name() const {
  return parts_.size() == 1 ? parts_.front().name : parts_.front().name + " to " + parts_.back().name;
}

UnixRange Recordings::whole() const {
  return {parts_.front().first().header.first_unix_ns, parts_.back().last().header.last_unix_ns};
}

// Those that meet the range, and before them what they cannot be read without.
std::vector<Recordings::ChunkOfPart> Recordings::chunks_of(const UnixRange& range) {
  std::vector<ChunkOfPart> chunks;
  for (auto& part : parts_) {
    for (const auto& chunk : part.reader.chunks()) chunks.push_back({&part, chunk});
  }
  auto first = std::ranges::find_if(chunks, [&](const auto& each) { return meets(range, each.chunk); });
  while (first != chunks.end() && first != chunks.begin() &&
         (first->chunk.header.flags & recording::kBeginsWithState) == 0) {
    --first;
  }
  chunks.erase(chunks.begin(), first);
  std::erase_if(chunks, [&](const auto& each) { return each.chunk.header.first_unix_ns > range.to_ns; });
  return chunks;
}

Result<std::optional<model::Snapshot>, std::string> Recordings::estimate(const UnixRange& range,
                                                                         const std::function<bool()>& goes_on) {
  estimate::Replay replay(monotonic(range, parts_.back().last()));
  std::uint64_t read_bytes = 0;
  for (const auto& each : chunks_of(range)) {
    read_bytes += each.chunk.header.text_bytes;
    if (read_bytes > kMaxRangeBytes) return Failure{name() + " holds more records than fit; ask for a shorter time"};
    if (goes_on && !goes_on()) return std::optional<model::Snapshot>();
    read(each.part->reader, each.chunk, replay);
  }
  return replay.snapshot();
}

std::vector<std::string> Recordings::remarks() const {
  std::vector<std::string> remarks;
  for (const auto& part : parts_) {
    const std::string remark = part.reader.remark();
    if (!remark.empty()) remarks.push_back(part.name + ": " + remark);
  }
  return remarks;
}

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

}  // namespace poolscope::client
