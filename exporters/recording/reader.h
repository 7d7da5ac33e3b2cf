#pragma once
// Reader: a recording, chunk by chunk, from a file that anybody may have written or damaged.
//   Cut       a file that ends in the middle of a chunk has the chunks before it; remark() says so.
//   Damaged   a chunk whose checksum is wrong is left out; so is, without an index, what follows a damaged header.
//   Memory    a chunk (kMaxTextBytes), 48 bytes for each, and what the caller keeps.
//   Threads   one.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporters/recording/chunk.h"
#include "exporters/recording/record_text.h"
#include "poolscope/result.h"

namespace poolscope::recording {

// Where the bytes come from.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // At most `bytes` from `offset` on; fewer at the end or when reading fails.
  [[nodiscard]] virtual std::string read(std::uint64_t offset, std::size_t bytes) const = 0;
};

class MemorySource final : public Source {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] std::string read(std::uint64_t offset, std::size_t bytes) const override {
    return offset < bytes_.size() ? bytes_.substr(offset, bytes) : std::string();
  }

 private:
  std::string bytes_;
};

// True for a file whose first bytes say that it is a recording, of whatever version.
[[nodiscard]] bool is_recording(const std::string& path);

class Reader {
 public:
  // The error names the file, the cause and the way out. A file without a whole chunk is an error, too.
  [[nodiscard]] static Result<Reader, std::string> open(const std::string& path);
  [[nodiscard]] static Result<Reader, std::string> open(std::unique_ptr<Source> source, const std::string& name);

  [[nodiscard]] const std::vector<ChunkPlace>& chunks() const { return chunks_; }
  // Every line of a chunk in its order. Nothing is told of a chunk that is damaged.
  void read(const ChunkPlace& chunk, const std::function<void(Line)>& tell);

  // A chunk as it stands in the file; empty when it is not there any more.
  [[nodiscard]] std::string packed(const ChunkPlace& chunk) const;

  [[nodiscard]] std::uint64_t damaged_chunks() const { return damaged_chunks_; }
  // Lines of kinds that this version does not know, or which are not as it knows them.
  [[nodiscard]] std::uint64_t unknown_lines() const { return unknown_lines_; }
  // "" or what is missing of the file, as far as it was read.
  [[nodiscard]] std::string remark() const;

 private:
  Reader(std::unique_ptr<Source> source) : source_(std::move(source)) {}
  [[nodiscard]] bool take_index();
  void scan();

  std::unique_ptr<Source> source_;
  std::vector<ChunkPlace> chunks_;
  std::uint64_t end_ = 0;  // of the last whole chunk, or of the file when it has an index
  std::uint64_t damaged_chunks_ = 0, unknown_lines_ = 0;
};

}  // namespace poolscope::recording
