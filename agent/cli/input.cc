#include "agent/cli/input.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace poolscope::cli {
namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;

Result<std::string, std::string> read_all(int fd, const std::string& name, std::size_t max_bytes) {
  std::string text;
  std::array<char, kChunkBytes> chunk;
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure{"cannot read " + name + ": " + std::strerror(errno)};
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > max_bytes) {
      return Failure{"cannot read " + name + ": larger than " + std::to_string(max_bytes >> 20) + " MiB"};
    }
  }
}

}  // namespace

Result<std::string, std::string> read_input(const std::string& path, std::size_t max_bytes) {
  if (path == "-") return read_all(STDIN_FILENO, "stdin", max_bytes);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Failure{"cannot open " + path + ": " + std::strerror(errno)};
  auto text = read_all(fd, path, max_bytes);
  ::close(fd);
  return text;
}

}  // namespace poolscope::cli
