#include "exporters/recording/recorder.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/recording/record_text.h"

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

Result<std::unique_ptr<Recorder>, std::string> Recorder::create(const std::string& path, const RecorderLimits& limits) {
  const Found found = look_at(path);
  if (found == Found::kOther) {
    return Failure{"cannot record to " + path + ": it exists and is no recording of poolscope; choose another name"};
  }
  if (found == Found::kRecording) move_older(path, limits.files);
  std::unique_ptr<Recorder> recorder(new Recorder(path, limits));
  if (auto problem = recorder->open_file()) return Failure{*std::move(problem)};
  return recorder;
}

Recorder::~Recorder() {
  close();
}

std::optional<std::string> Recorder::open_file() {
  // What it tells of a program is not for everybody.
  fd_ = UniqueFd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd_) return "cannot record to " + path_ + ": " + std::strerror(errno);
  written_bytes_ = 0;
  chunks_.clear();
  if (!write(file_header())) return std::exchange(problem_, std::nullopt);
  return std::nullopt;
}

// All or nothing.
bool Recorder::write(const std::string& bytes) {
  if (!fd_) return false;
  const int error = write_all(fd_.get(), bytes);
  if (error == 0) {
    written_bytes_ += bytes.size();
    return true;
  }
  problem_ = "cannot write to " + path_ + ": " + std::strerror(error);
  const auto end = static_cast<off_t>(written_bytes_);
  // A file that cannot be put right is left alone: it opens up to here.
  if (::ftruncate(fd_.get(), end) != 0 || ::lseek(fd_.get(), end, SEEK_SET) < 0) fd_ = UniqueFd();
  return false;
}

void Recorder::add_line(const std::string& line) {
  if (!fd_) return;
  if (line.size() >= kMaxLineBytes) {
    problem_ = "a record of " + std::to_string(line.size()) + " bytes is too large for " + path_ + ", it is left out";
    return;
  }
  if (!text_.empty() && text_.size() + line.size() > kFullBytes) close_chunk();
  text_ += line;
  text_ += '\n';
}

void Recorder::take(model::TargetId target, const model::TargetRecord& record) {
  if (const auto* status = std::get_if<model::TargetStatus>(&record)) {
    const auto known = statuses_.find(target);
    if (known != statuses_.end()) {
      known->second.at_ns = status->at_ns;
      if (known->second == *status) return;
    }
    if (text_.empty()) begins_with_state_ = true;
    statuses_[target] = *status;
  }
  add_line(to_line(target, record));
}

void Recorder::take(const model::Moment& moment) {
  add_line(to_line(moment));
  if (!chunk_begin_ns_) {
    chunk_begin_ns_ = moment.at_ns;
    first_unix_ns_ = moment.time_unix_ns;
  }
  last_moment_ = moment;
  if (moment.at_ns - *chunk_begin_ns_ >= kChunkNs) close_chunk();
}

// The next one begins where this one ends.
void Recorder::close_chunk() {
  if (text_.empty()) return;
  ChunkHeader header;
  header.flags = std::exchange(begins_with_state_, false) ? kBeginsWithState : 0;
  header.first_unix_ns = first_unix_ns_;
  if (last_moment_) {
    header.last_unix_ns = first_unix_ns_ = last_moment_->time_unix_ns;
    header.unix_less_monotonic_ns = last_moment_->time_unix_ns - last_moment_->at_ns;
    chunk_begin_ns_ = last_moment_->at_ns;
  }
  const auto packed = pack_chunk(header, text_);
  text_.clear();
  statuses_.clear();
  if (!packed) {
    problem_ = "cannot write to " + path_ + ": " + packed.error();
    return;
  }
  const std::uint64_t offset = written_bytes_;
  if (!write(*packed)) return;
  chunks_.push_back({offset, header});
  if (written_bytes_ < limits_.file_bytes && chunks_.size() < kMaxChunksOfFile) return;
  finish_file();
  move_older(path_, limits_.files);
  if (auto problem = open_file()) problem_ = std::move(problem);
}

void Recorder::finish_file() {
  if (fd_) (void)write(pack_index(chunks_));
  fd_ = UniqueFd();
}

void Recorder::close() {
  if (!fd_) return;
  close_chunk();
  finish_file();
}

}  // namespace poolscope::recording
