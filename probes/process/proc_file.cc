#include "probes/process/proc_file.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "poolscope/unique_fd.h"

namespace poolscope::process {
namespace {

int gone_is_absent(int error) {
  return error == ESRCH ? ENOENT : error;
}

}  // namespace

std::string proc_path(pid_t pid, std::string_view name) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(name);
}

Result<std::string, int> read_proc_file(const std::string& path, std::size_t max_bytes) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Failure{gone_is_absent(errno)};
  std::string text;
  std::size_t used = 0;
  while (used < max_bytes) {
    if (used == text.size()) text.resize(std::min(max_bytes, std::max<std::size_t>(4096, text.size() * 2)));
    const ssize_t got = ::read(file.get(), text.data() + used, text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failure{gone_is_absent(errno)};
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  text.resize(used);
  return text;
}

Result<std::string, int> read_proc_link(const std::string& path) {
  std::string target(PATH_MAX + 16, '\0');  // room for " (deleted)" behind the longest path
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  if (length < 0) return Failure{gone_is_absent(errno)};
  target.resize(static_cast<std::size_t>(length));
  return target;
}

}  // namespace poolscope::process
