#include "exporters/recording/reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "poolscope/unique_fd.h"

namespace poolscope::recording {
namespace {

// Read, not mapped: a file that is cut meanwhile must not end us.
class FileSource final : public Source {
 public:
  FileSource(UniqueFd fd, std::uint64_t size) : fd_(std::move(fd)), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] std::string read(std::uint64_t offset, std::size_t bytes) const override {
    if (offset >= size_) return {};
    std::string result(std::min<std::uint64_t>(bytes, size_ - offset), '\0');
    std::size_t filled = 0;
    while (filled < result.size()) {
      const ssize_t got =
          ::pread(fd_.get(), result.data() + filled, result.size() - filled, static_cast<off_t>(offset + filled));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      filled += static_cast<std::size_t>(got);
    }
    result.resize(filled);
    return result;
  }

 private:
  UniqueFd fd_;
  std::uint64_t size_;
};

Result<std::unique_ptr<Source>, std::string> open_file(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return Failure{"cannot open " + path + ": " + std::strerror(errno)};
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return Failure{path + " is no regular file"};
  return std::unique_ptr<Source>(
      std::make_unique<FileSource>(std::move(fd), static_cast<std::uint64_t>(status.st_size)));
}

bool lies_inside(const ChunkPlace& chunk, std::uint64_t size) {
  const std::uint64_t bytes = kChunkHeaderBytes + std::uint64_t{chunk.header.compressed_bytes};
  return chunk.offset <= size && bytes <= size - chunk.offset;
}

}  // namespace

bool is_recording(const std::string& path) {
  const auto source = open_file(path);
  return source && read_file_header((*source)->read(0, kFileHeaderBytes)).has_value();
}

Result<Reader, std::string> Reader::open(const std::string& path) {
  auto source = open_file(path);
  if (!source) return Failure{source.error()};
  return open(std::move(*source), path);
}

Result<Reader, std::string> Reader::open(std::unique_ptr<Source> source, const std::string& name) {
  const auto version = read_file_header(source->read(0, kFileHeaderBytes));
  if (!version) return Failure{name + " is no recording of poolscope"};
  if (*version != kFormatVersion) {
    return Failure{name + " is a recording of format " + std::to_string(*version) + ", this poolscope reads format " +
                   std::to_string(kFormatVersion) + "; use the poolscope that wrote it"};
  }
  Reader reader(std::move(source));
  if (!reader.take_index()) reader.scan();
  if (reader.chunks_.empty()) {
    return Failure{name + " holds nothing yet: the first records are in the file some " +
                   "ten seconds after the beginning, or when the recording ends"};
  }
  return reader;
}

bool Reader::take_index() {
  const std::uint64_t size = source_->size();
  if (size < kFileHeaderBytes + kIndexTailBytes) return false;
  const auto bytes = index_bytes(source_->read(size - kIndexTailBytes, kIndexTailBytes));
  if (!bytes || *bytes > size - kFileHeaderBytes) return false;
  auto chunks = read_index(source_->read(size - *bytes, static_cast<std::size_t>(*bytes)));
  if (!chunks) return false;
  for (const ChunkPlace& chunk : *chunks) {
    if (!lies_inside(chunk, size)) return false;
  }
  chunks_ = std::move(*chunks);
  end_ = size;
  return true;
}

void Reader::scan() {
  const std::uint64_t size = source_->size();
  end_ = kFileHeaderBytes;
  for (std::size_t frames = 0; frames < kMaxChunks; ++frames) {
    const std::string bytes = source_->read(end_, kChunkHeaderBytes);
    const FrameHead head = read_frame_head(bytes);
    const std::uint64_t frame_bytes = kFrameHeadBytes + std::uint64_t{head.payload_bytes};
    if (head.kind == FrameKind::kOther || head.kind == FrameKind::kIndex) {  // of a later version, or damaged
      if (frame_bytes > size - end_) return;
      end_ += frame_bytes;
      continue;
    }
    const auto header = read_chunk_header(bytes);
    if (!header || !lies_inside({end_, *header}, size)) return;
    chunks_.push_back({end_, *header});
    end_ += kChunkHeaderBytes + header->compressed_bytes;
  }
}

std::string Reader::packed(const ChunkPlace& chunk) const {
  std::string bytes = source_->read(chunk.offset, kChunkHeaderBytes + chunk.header.compressed_bytes);
  return read_chunk_header(bytes) == chunk.header ? bytes : std::string();
}

void Reader::read(const ChunkPlace& chunk, const std::function<void(Line)>& tell) {
  const std::string bytes = packed(chunk);
  std::optional<std::string> text;
  if (!bytes.empty()) text = unpack_text(chunk.header, std::string_view(bytes).substr(kChunkHeaderBytes));
  if (!text) {
    ++damaged_chunks_;
    return;
  }
  for (std::string_view rest = *text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (auto line = from_line(rest.substr(0, end))) {
      tell(std::move(*line));
    } else {
      ++unknown_lines_;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

std::string Reader::remark() const {
  std::string remark;
  const auto add = [&remark](const std::string& text) { remark += (remark.empty() ? "" : "; ") + text; };
  if (const std::uint64_t missing = source_->size() - end_; missing > 0) {
    add("the last " + std::to_string(missing) + " bytes are no whole chunk, they are left out");
  }
  if (damaged_chunks_ > 0) add(std::to_string(damaged_chunks_) + " damaged chunks are left out");
  if (unknown_lines_ > 0) {
    add(std::to_string(unknown_lines_) + " records are of a kind that this poolscope does not know");
  }
  return remark;
}

}  // namespace poolscope::recording
