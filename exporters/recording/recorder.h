#pragma once
// Recorder: writes records to a file as they are made (docs/reference/recording.md).
//   Chunks    text is kept until a chunk is closed: kChunkNs after its beginning, at a moment, so that what is in the file is what a snapshot was
//             made of. What is not in a chunk yet is lost when the process is killed.
//   Memory    the text of one chunk, at most kFullBytes and one record, the same compressed, and 48 bytes per chunk of the file.
//   Rotation  a file that is full becomes FILE.1, that one FILE.2, and so on; the last one is removed. So does a recording that is
//             there at the beginning; a file that is none is not touched.
//   Failures  a chunk that cannot be written is left out, and the file stays one that can be read; take_problem() tells it.
//   Threads   one.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporters/model/target_record.h"
#include "exporters/recording/chunk.h"
#include "poolscope/result.h"
#include "poolscope/unique_fd.h"

namespace poolscope::recording {

struct RecorderLimits {
  std::uint64_t file_bytes = std::uint64_t{256} << 20;
  unsigned files = 4;  // this one and those before it
};

class Recorder final : public model::RecordSink {
 public:
  static constexpr std::uint64_t kChunkNs = 10'000'000'000;
  static constexpr std::size_t kFullBytes = std::size_t{4} << 20;
  static constexpr std::size_t kMaxChunksOfFile = 100'000;

  [[nodiscard]] static Result<std::unique_ptr<Recorder>, std::string> create(const std::string& path,
                                                                             const RecorderLimits& limits = {});
  ~Recorder() override;  // close()

  void take(model::TargetId target, const model::TargetRecord& record) override;
  void take(const model::Moment& moment) override;
  [[nodiscard]] bool wants_state() const override { return text_.empty(); }

  // Writes what is left and the index. Nothing is taken after it.
  void close();
  // What went wrong since the last call.
  [[nodiscard]] std::optional<std::string> take_problem() { return std::exchange(problem_, std::nullopt); }

 private:
  Recorder(std::string path, const RecorderLimits& limits) : path_(std::move(path)), limits_(limits) {}
  [[nodiscard]] std::optional<std::string> open_file();
  void add_line(const std::string& line);
  void close_chunk();
  void finish_file();
  [[nodiscard]] bool write(const std::string& bytes);

  std::string path_;
  RecorderLimits limits_;
  UniqueFd fd_;
  std::uint64_t written_bytes_ = 0;
  std::vector<ChunkPlace> chunks_;
  std::string text_;
  bool begins_with_state_ = false;
  std::optional<std::uint64_t> chunk_begin_ns_;  // CLOCK_MONOTONIC, of its first moment
  std::optional<model::Moment> last_moment_;
  std::uint64_t first_unix_ns_ = 0;
  std::map<model::TargetId, model::TargetStatus> statuses_;  // last ones in this chunk
  std::optional<std::string> problem_;
};

}  // namespace poolscope::recording
