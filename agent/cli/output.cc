#include "agent/cli/output.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cli/exit_code.h"

namespace poolscope::cli {
namespace {

Failure<std::string> cannot_write(const std::string& path, int error) {
  return Failure{"cannot write " + path + ": " + std::strerror(error)};
}

// A file that exists only until rename_to() succeeds.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path, mode_t mode)
      : path_(std::move(path)), fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)) {}
  ~TemporaryFile() {
    if (fd_ >= 0) ::close(fd_);
    if (exists_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

  // 0 or an errno. Some file systems tell of a full disk only at fsync() or close().
  [[nodiscard]] int fill(std::string_view text) {
    if (const int error = write_all(fd_, text)) return error;
    if (::fsync(fd_) != 0 && errno != EINVAL) return errno;
    return ::close(std::exchange(fd_, -1)) == 0 ? 0 : errno;
  }

  [[nodiscard]] int rename_to(const std::string& path) {
    if (::rename(path_.c_str(), path.c_str()) != 0) return errno;
    exists_ = false;
    return 0;
  }

 private:
  std::string path_;
  int fd_;
  bool exists_ = fd_ >= 0;
};

Result<Done, std::string> write_in_place(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return cannot_write(path, errno);
  const int error = write_all(fd, text);
  const int close_error = ::close(fd) == 0 ? 0 : errno;
  if (error != 0 || close_error != 0) return cannot_write(path, error != 0 ? error : close_error);
  return Done{};
}

// The file itself when `path` is a link, so that the link stays one.
std::string without_links(const std::string& path) {
  std::error_code not_found;
  const auto resolved = std::filesystem::canonical(path, not_found);
  return not_found ? path : resolved.string();
}

}  // namespace

int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

int print(std::string_view text, int fd) {
  const int error = write_all(fd, text);
  if (error == 0 || error == EPIPE) return kExitOk;
  return fail(std::string("cannot write to ") + (fd == STDERR_FILENO ? "stderr" : "stdout") + ": " +
              std::strerror(error));
}

int fail(std::string_view message) {
  // Nothing is left to tell a failure of stderr to.
  (void)write_all(STDERR_FILENO, "poolscope: " + std::string(message) + "\n");
  return kExitFailed;
}

Result<Done, std::string> write_output(const std::string& path, std::string_view text) {
  struct stat existing {};
  const bool exists = ::stat(path.c_str(), &existing) == 0;
  if (exists && S_ISDIR(existing.st_mode)) return cannot_write(path, EISDIR);
  if (exists && !S_ISREG(existing.st_mode)) return write_in_place(path, text);

  const std::string target = without_links(path);
  TemporaryFile file(target + ".poolscope-" + std::to_string(::getpid()), exists ? existing.st_mode & 0777 : 0666);
  if (!file.is_open()) return cannot_write(path, errno);
  if (const int error = file.fill(text)) return cannot_write(path, error);
  if (const int error = file.rename_to(target)) return cannot_write(path, error);
  return Done{};
}

}  // namespace poolscope::cli
