#pragma once
// RecordingFile: a file that chunks are appended to (docs/reference/recording.md).
//   Rotation  a file that is full becomes FILE.1, that one FILE.2, and so on; the last one is removed. So does a recording that is
//             there at the beginning; a file that is none is not touched.
//   Failures  a chunk that cannot be written is left out, and the file stays one that can be read.
//   Memory    48 bytes per chunk of the file.
//   Threads   one.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporters/recording/chunk.h"
#include "poolscope/result.h"
#include "poolscope/unique_fd.h"

namespace poolscope::recording {

struct FileLimits {
  std::uint64_t file_bytes = std::uint64_t{256} << 20;
  unsigned files = 4;  // this one and those before it
};

class RecordingFile {
 public:
  static constexpr std::size_t kMaxChunksOfFile = 100'000;

  [[nodiscard]] static Result<std::unique_ptr<RecordingFile>, std::string> create(const std::string& path,
                                                                                  const FileLimits& limits);
  ~RecordingFile();  // finish()

  // What went wrong, if anything did.
  [[nodiscard]] std::optional<std::string> append(const ChunkHeader& header, const std::string& packed);
  // Writes the index. Nothing is appended after it.
  [[nodiscard]] std::optional<std::string> finish();
  [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  RecordingFile(std::string path, const FileLimits& limits) : path_(std::move(path)), limits_(limits) {}
  [[nodiscard]] std::optional<std::string> open_file();
  [[nodiscard]] std::optional<std::string> write(const std::string& bytes);

  std::string path_;
  FileLimits limits_;
  UniqueFd fd_;
  std::uint64_t written_bytes_ = 0;
  std::vector<ChunkPlace> chunks_;
};

}  // namespace poolscope::recording
