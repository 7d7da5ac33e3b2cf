#pragma once
// ChunkBuilder: makes chunks of records as they come (docs/reference/recording.md).
//   Chunks    text is kept until a chunk is closed: at a moment kChunkNs after its beginning, so that what is in it is what a snapshot was
//             made of. Its owner may close it earlier, right after a moment.
//   Memory    the text of one chunk, at most kFullBytes and one record, and the same compressed.
//   Threads   one.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "exporters/model/target_record.h"
#include "exporters/recording/chunk.h"

namespace poolscope::recording {

class ChunkBuilder {
 public:
  static constexpr std::uint64_t kChunkNs = 10'000'000'000;
  static constexpr std::size_t kFullBytes = std::size_t{4} << 20;

  // `take` gets every chunk, `packed` as it stands in a file; `tell` what went wrong.
  using Take = std::function<void(const ChunkHeader& header, const std::string& packed)>;
  using Tell = std::function<void(const std::string& problem)>;
  ChunkBuilder(Take take, Tell tell) : take_(std::move(take)), tell_(std::move(tell)) {}

  void take(model::TargetId target, const model::TargetRecord& record);
  void take(const model::Moment& moment);
  // A chunk that begins with the state of all targets can be read without those before it.
  [[nodiscard]] bool wants_state() const { return text_.empty(); }
  // What is there becomes a chunk; the next one begins at the last moment.
  void close();
  // The first chunk begins there; nothing in it is older.
  void begin_at(const model::Moment& moment);

 private:
  void add_line(const std::string& line);

  Take take_;
  Tell tell_;
  std::string text_;
  bool begins_with_state_ = false;
  std::optional<std::uint64_t> begin_ns_;  // CLOCK_MONOTONIC, of its first moment
  std::optional<model::Moment> last_moment_;
  std::uint64_t first_unix_ns_ = 0;
  std::map<model::TargetId, model::TargetStatus> statuses_;  // last ones in this chunk
};

}  // namespace poolscope::recording
