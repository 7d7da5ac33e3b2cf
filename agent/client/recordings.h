#pragma once
// Recordings: what a recording, or several that are read as one, says of any range of time.
//   Several   are read in the order of their time: those that rotation left, or those of agents that ran one after the other. They must not
//             overlap, and be of one start of the machine.
//   Memory    a chunk at a time, and the records of the range that is estimated: at most kMaxRangeBytes of text.
//   Threads   one.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "exporters/model/snapshot.h"
#include "exporters/recording/reader.h"
#include "poolscope/result.h"

namespace poolscope::client {

// Both ends belong to it.
struct UnixRange {
  std::uint64_t from_ns = 0, to_ns = 0;
  bool operator==(const UnixRange&) const = default;
};

class Recordings {
 public:
  static constexpr std::uint64_t kMaxRangeBytes = std::uint64_t{1} << 30;

  // The error names the file, the cause and the way out.
  [[nodiscard]] static Result<Recordings, std::string> open(const std::vector<std::string>& paths);

  // "night.poolscope", "night.poolscope.1 to night.poolscope".
  [[nodiscard]] std::string name() const;
  // From the first record to the last moment.
  [[nodiscard]] UnixRange whole() const;
  // As it would have been at the last moment of the range, estimated from the records in it. Nothing when it has no moment, or when
  // `goes_on`, which is asked before each chunk, says no.
  [[nodiscard]] Result<std::optional<model::Snapshot>, std::string> estimate(const UnixRange& range,
                                                                             const std::function<bool()>& goes_on);
  // What is missing of the files, as far as they were read: "night.poolscope: the last ...".
  [[nodiscard]] std::vector<std::string> remarks() const;

 private:
  struct Part {
    std::string name;
    recording::Reader reader;
    [[nodiscard]] const recording::ChunkPlace& first() const { return reader.chunks().front(); }
    [[nodiscard]] const recording::ChunkPlace& last() const { return reader.chunks().back(); }
  };
  struct ChunkOfPart {
    Part* part;
    recording::ChunkPlace chunk;
  };
  explicit Recordings(std::vector<Part> parts) : parts_(std::move(parts)) {}
  [[nodiscard]] static std::optional<std::string> problem_between(const Part& earlier, const Part& later);
  [[nodiscard]] std::vector<ChunkOfPart> chunks_of(const UnixRange& range);

  std::vector<Part> parts_;  // in the order of their time; never empty
};

// Where a recording, or a folder of them, lies. All there are in a folder, in no order.
[[nodiscard]] bool is_folder(const std::string& path);
[[nodiscard]] Result<std::vector<std::string>, std::string> recordings_in(const std::string& folder);

}  // namespace poolscope::client
