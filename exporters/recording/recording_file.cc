#include "exporters/recording/recording_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace poolscope::recording {
namespace {

// 0 or an errno.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

enum class Found { kNothing, kRecording, kOther };

Found look_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return Found::kNothing;
  if (!S_ISREG(status.st_mode)) return Found::kOther;
  if (status.st_size == 0) return Found::kNothing;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, kFileHeaderBytes> bytes{};
  const ssize_t got = ::read(fd.get(), bytes.data(), bytes.size());
  const bool is_ours = got > 0 && read_file_header(std::string_view(bytes.data(), static_cast<std::size_t>(got)));
  return is_ours ? Found::kRecording : Found::kOther;
}

std::string numbered(const std::string& path, unsigned number) {
  return number == 0 ? path : path + "." + std::to_string(number);
}

// The oldest gives way.
void move_older(const std::string& path, unsigned files) {
  if (files <= 1) return;
  for (unsigned number = files - 1; number > 0; --number) {
    // one that is not there yet is no failure
    (void)std::rename(numbered(path, number - 1).c_str(), numbered(path, number).c_str());
  }
}

}  // namespace

Result<std::unique_ptr<RecordingFile>, std::string> RecordingFile::create(const std::string& path,
                                                                          const FileLimits& limits) {
  const Found found = look_at(path);
  if (found == Found::kOther) {
    return Failure{"cannot record to " + path + ": it exists and is no recording of poolscope; choose another name"};
  }
  if (found == Found::kRecording) move_older(path, limits.files);
  std::unique_ptr<RecordingFile> file(new RecordingFile(path, limits));
  if (auto problem = file->open_file()) return Failure{*std::move(problem)};
  return file;
}

RecordingFile::~RecordingFile() {
  (void)finish();
}

std::optional<std::string> RecordingFile::open_file() {
  // What it tells of a program is not for everybody.
  fd_ = UniqueFd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd_) return "cannot record to " + path_ + ": " + std::strerror(errno);
  written_bytes_ = 0;
  chunks_.clear();
  return write(file_header());
}

// All or nothing.
std::optional<std::string> RecordingFile::write(const std::string& bytes) {
  const int error = write_all(fd_.get(), bytes);
  if (error == 0) {
    written_bytes_ += bytes.size();
    return std::nullopt;
  }
  const auto end = static_cast<off_t>(written_bytes_);
  // A file that cannot be put right is left alone: it opens up to here.
  if (::ftruncate(fd_.get(), end) != 0 || ::lseek(fd_.get(), end, SEEK_SET) < 0) fd_ = UniqueFd();
  return "cannot write to " + path_ + ": " + std::strerror(error);
}

std::optional<std::string> RecordingFile::append(const ChunkHeader& header, const std::string& packed) {
  if (!fd_) return std::nullopt;  // told when it was closed
  const std::uint64_t offset = written_bytes_;
  if (auto problem = write(packed)) return problem;
  chunks_.push_back({offset, header});
  if (written_bytes_ < limits_.file_bytes && chunks_.size() < kMaxChunksOfFile) return std::nullopt;
  auto problem = finish();
  move_older(path_, limits_.files);
  if (auto other = open_file()) problem = std::move(other);
  return problem;
}

std::optional<std::string> RecordingFile::finish() {
  if (!fd_) return std::nullopt;
  auto problem = write(pack_index(chunks_));
  fd_ = UniqueFd();
  return problem;
}

}  // namespace poolscope::recording
